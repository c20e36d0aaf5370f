import { terminalText, withoutBinary } from "./terminal-text.ts";

/** Output is gathered this long before it is shown, ms: people read no faster, and a command that ends sooner shows nothing. */
const GATHER_MS = 250;
/** A line that is overwritten again and again (a progress bar) is shown this often, ms. */
const OVERWRITTEN_LINE_MS = 5_000;
/** What is shown live of one call, bytes: enough to follow a build. Every event is stored, and the result comes anyway. */
export const LIVE_OUTPUT_BYTES_MAX = 32_768;
/** Text that may wait to be shown, characters: a command that prints faster is not waited for. */
const WAITING_CHARS_MAX = 262_144;
const REST_NOTE = "\n[more output comes with the result]\n";

/** Shows what a command prints while it still runs, readable and in bounded amount. The pieces joined are the text. */
export class LiveOutput {
  private readonly decoder = new TextDecoder();
  private waiting = "";
  private bytesLeft = LIVE_OUTPUT_BYTES_MAX;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;
  /** The last piece ended within a line. */
  private lineOpen = false;
  private overwrittenShownMs = -Infinity;
  constructor(private readonly show: (text: string) => void) {}

  push(chunk: Uint8Array): void {
    if (this.closed) return;
    this.waiting += this.decoder.decode(chunk, { stream: true });
    if (this.waiting.length > WAITING_CHARS_MAX) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Nothing is shown from now on; what still waits comes with the result. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.waiting = "";
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const text = this.takeShowable();
    if (text === "") return;
    const bytes = Buffer.from(text);
    this.lineOpen = !text.endsWith("\n");
    this.bytesLeft -= bytes.length;
    if (this.bytesLeft >= 0) {
      this.show(text);
    } else {
      const fits = new TextDecoder().decode(bytes.subarray(0, this.bytesLeft), { stream: true });
      this.close();
      this.show(`${fits}${REST_NOTE}`);
    }
  }

  /** Takes whole lines and the open one, but neither half a control sequence nor each state of a progress bar. */
  private takeShowable(): string {
    const held = this.waiting.length > WAITING_CHARS_MAX ? 0 : heldBack(this.waiting);
    const text = this.waiting.slice(0, this.waiting.length - held);
    const rest = this.waiting.slice(this.waiting.length - held);
    const lineAt = text.lastIndexOf("\n") + 1;
    const open = text.slice(lineAt);
    const overwritten = open.includes("\r");
    const soon = performance.now() < this.overwrittenShownMs + OVERWRITTEN_LINE_MS;
    const skipOpen = overwritten && soon && this.waiting.length <= WAITING_CHARS_MAX;
    const taken = skipOpen ? text.slice(0, lineAt) : text;
    this.waiting = (skipOpen ? open : "") + rest;
    if (skipOpen) this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
    else if (overwritten) this.overwrittenShownMs = performance.now();
    const readable = terminalText(withoutBinary(taken).text).replaceAll("\0", "\ufffd");
    // What was shown cannot be taken back: the new state of a line goes on a line of its own.
    const restarts = this.lineOpen && /^[^\n]*\r(?!\n)/.test(taken);
    return `${restarts ? "\n" : ""}${readable}${overwritten && !skipOpen ? "\n" : ""}`;
  }
}

/** Length of the end that must wait for what follows: a begun control sequence, or a carriage return that may end its line. */
function heldBack(text: string): number {
  const at = text.lastIndexOf("\u001b");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what this is about
  if (at >= 0 && /^\u001b(\[[0-?]*[ -/]*|\][^\u0007\u001b]*)?$/.test(text.slice(at))) return text.length - at;
  return text.endsWith("\r") ? 1 : 0;
}
