import { closeSync, openSync, writeSync } from "node:fs";
import { errorText } from "@windshift/base/error-text.ts";
import { terminalText, withoutBinary } from "./terminal-text.ts";
import { characterStart } from "./text-cut.ts";

/**
 * What the model sees of one output, tokens. Source: INTERFACES section 6. Counted at 4 bytes a token, an estimate: code
 * has 3 to 4, English 4 to 5.
 */
const OUTPUT_TOKENS_MAX = 6_000;
const SHOWN_BYTES_MAX = OUTPUT_TOKENS_MAX * 4;
/** A cut moves to a line end up to this far away, bytes; where there is none it falls between two characters. */
const LINE_SEARCH_BYTES_MAX = 2_048;
/** What is kept of one output in its file, bytes; /tmp counts as memory of the container. */
const KEPT_BYTES_MAX = 32 * 1_048_576;

export interface ShownOutput {
  text: string;
  truncated: boolean;
  /** The file with the rest; undefined when nothing was cut, or it could not be kept. */
  fullPath?: string | undefined;
}

/** `terminal`: colors, overwritten lines and binary data are left out of what is shown. `plain`: a text as it is. */
export type OutputKind = "terminal" | "plain";

/** Where full outputs go. */
interface Keeper {
  newPath(): string;
  /** Called once a file is complete. */
  settle(path: string, bytes: number): void;
}

/** Takes one output as it comes, in bounded memory; everything goes to a file once it is too long to be shown whole. */
export class OutputCollector {
  private head: Uint8Array[] = [];
  private tail: Uint8Array[] = [];
  private headBytes = 0;
  private tailBytes = 0;
  private total = 0;
  private spilled = false;
  private file: number | undefined;
  private path = "";
  /** Why the file is not whole: /tmp may be full. */
  private problem = "";
  private ended = false;
  constructor(
    private readonly kind: OutputKind,
    private readonly keeper: Keeper,
  ) {}

  /** Takes the next bytes; after the end they are dropped. */
  push(chunk: Uint8Array): void {
    // The file's number is free by then and may be another file's, or a socket's.
    if (this.ended) return;
    const room = SHOWN_BYTES_MAX - this.headBytes;
    // Until the limit is passed everything is head, so nothing is written for the many short outputs.
    if (!this.spilled && chunk.length <= room) {
      this.head.push(chunk.slice());
      this.headBytes += chunk.length;
    } else {
      this.spill(chunk, room);
    }
    this.total += chunk.length;
  }

  /** The text for the model: all of it, or head and tail with a line between that says where the rest is. */
  end(): ShownOutput {
    this.ended = true;
    if (!this.spilled) return this.endShort();
    this.closeFile();
    const head = headOf(Buffer.concat(this.head));
    const tail = tailOf(Buffer.concat(this.tail));
    const cut = `[... ${this.total - head.length - tail.length} bytes cut; ${this.where()} ...]`;
    const [first, last] = [this.view(head).text, this.view(tail).text];
    return {
      text: `${first.replace(/\n$/, "")}\n${cut}\n${last}`,
      truncated: true,
      fullPath: this.fullPath(),
    };
  }

  private endShort(): ShownOutput {
    const view = this.view(Buffer.concat(this.head));
    if (!view.binary) return { text: view.text, truncated: false };
    this.openFile();
    this.closeFile();
    const text = `${view.text.trimEnd()}\n[${this.total} bytes; ${this.where()}]`;
    return { text, truncated: true, fullPath: this.fullPath() };
  }

  private view(bytes: Buffer): { text: string; binary: boolean } {
    const text = bytes.toString("utf8");
    if (this.kind === "plain") return { text: text.replaceAll("\0", "\ufffd"), binary: false };
    const seen = withoutBinary(text);
    return { text: terminalText(seen.text).replaceAll("\0", "\ufffd"), binary: seen.binary };
  }

  private fullPath(): string | undefined {
    return this.problem === "" ? this.path : undefined;
  }

  private where(): string {
    if (this.problem !== "") return `the full output could not be kept (${this.problem})`;
    const what = this.total > KEPT_BYTES_MAX ? `the first ${KEPT_BYTES_MAX} bytes are` : "the full output is";
    return `${what} in ${this.path}`;
  }

  private spill(chunk: Uint8Array, room: number): void {
    if (!this.spilled) {
      this.spilled = true;
      this.openFile();
      this.tail = [...this.head];
      this.tailBytes = this.headBytes;
      this.head.push(chunk.slice(0, room));
    }
    this.write(chunk.subarray(0, Math.max(0, KEPT_BYTES_MAX - this.total)));
    this.tail.push(chunk.slice(-SHOWN_BYTES_MAX));
    this.tailBytes += Math.min(chunk.length, SHOWN_BYTES_MAX);
    for (
      let first = this.tail[0];
      first !== undefined && this.tailBytes - first.length >= SHOWN_BYTES_MAX;
      first = this.tail[0]
    ) {
      this.tail.shift();
      this.tailBytes -= first.length;
    }
  }

  private openFile(): void {
    this.attempt(() => {
      this.path = this.keeper.newPath();
      this.file = openSync(this.path, "wx", 0o600);
    });
    for (const early of this.head) this.write(early);
  }

  private write(bytes: Uint8Array): void {
    const { file } = this;
    if (file === undefined || this.problem !== "" || bytes.length === 0) return;
    this.attempt(() => {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    });
  }

  private closeFile(): void {
    if (this.file !== undefined) {
      closeSync(this.file);
      this.keeper.settle(this.path, Math.min(this.total, KEPT_BYTES_MAX));
    }
    this.file = undefined;
  }

  /** A full disk costs the file, not the output. */
  private attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.problem = errorText(error);
    }
  }
}

/** The first half of what is shown, up to a line end. */
function headOf(bytes: Buffer): Buffer {
  const max = SHOWN_BYTES_MAX / 2;
  const lineEnd = bytes.lastIndexOf(0x0a, max - 1) + 1;
  return bytes.subarray(0, lineEnd > max - LINE_SEARCH_BYTES_MAX ? lineEnd : characterStart(bytes, max));
}

/** The last half, from the start of a line. */
function tailOf(bytes: Buffer): Buffer {
  const start = bytes.length - SHOWN_BYTES_MAX / 2;
  const lineStart = bytes.indexOf(0x0a, start - 1) + 1;
  const near = lineStart > 0 && lineStart < start + LINE_SEARCH_BYTES_MAX;
  return bytes.subarray(near ? lineStart : characterStart(bytes, start));
}
