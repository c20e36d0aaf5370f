import { closeSync, mkdtempSync, openSync, realpathSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the model sees of one output, tokens at 4 bytes each. Source: INTERFACES section 6. */
const OUTPUT_TOKENS_MAX = 6_000;
const SHOWN_BYTES_MAX = OUTPUT_TOKENS_MAX * 4;
/** What is kept of one output in its file, bytes; /tmp counts as memory of the container. */
const KEPT_BYTES_MAX = 32 * 1_048_576;

export interface ShownOutput {
  text: string;
  truncated: boolean;
}

/** Keeps the full text of cut tool outputs in files the model can read. */
export class OutputStore {
  private dir: string | undefined;
  private count = 0;

  /** Folders of kept outputs; none before the first long output. */
  readonly dirs = (): readonly string[] => (this.dir === undefined ? [] : [this.dir]);

  /** A place for the next output. Bytes go in as they come; memory stays bounded. */
  collect(): OutputCollector {
    return new OutputCollector(() => this.newPath());
  }

  /** Cuts a text that is already whole. */
  cut(text: string): ShownOutput {
    const collector = this.collect();
    collector.push(Buffer.from(text));
    return collector.end();
  }

  private newPath(): string {
    this.dir ??= realpathSync(mkdtempSync(join(tmpdir(), "windshift-output-")));
    return join(this.dir, `${++this.count}.txt`);
  }
}

export class OutputCollector {
  private head: Uint8Array[] = [];
  private tail: Uint8Array[] = [];
  private headBytes = 0;
  private tailBytes = 0;
  private total = 0;
  private file: number | undefined;
  private path = "";
  private ended = false;
  constructor(private readonly newPath: () => string) {}

  /** Takes the next bytes; after the end they are dropped. */
  push(chunk: Uint8Array): void {
    // The file's number is free by then and may be another file's, or a socket's.
    if (this.ended) return;
    const room = SHOWN_BYTES_MAX - this.headBytes;
    // Until the limit is passed everything is head, so nothing is written for the many short outputs.
    if (this.file === undefined && chunk.length <= room) {
      this.head.push(chunk.slice());
      this.headBytes += chunk.length;
    } else {
      this.spill(chunk);
    }
    this.total += chunk.length;
  }

  /** The text for the model: all of it, or head and tail with a line between that says where the rest is. */
  end(): ShownOutput {
    this.ended = true;
    if (this.file === undefined) return { text: textOf(this.head), truncated: false };
    closeSync(this.file);
    const half = SHOWN_BYTES_MAX / 2;
    const head = Buffer.concat(this.head).subarray(0, half);
    const tail = Buffer.concat(this.tail);
    const last = tail.subarray(Math.max(0, tail.length - half));
    const kept = this.total > KEPT_BYTES_MAX ? `the first ${KEPT_BYTES_MAX} bytes are` : "the full output is";
    const cut = `[... ${this.total - head.length - last.length} bytes cut; ${kept} in ${this.path} ...]`;
    return { text: `${textOf([head])}\n${cut}\n${textOf([last])}`, truncated: true };
  }

  private spill(chunk: Uint8Array): void {
    if (this.file === undefined) {
      this.path = this.newPath();
      this.file = openSync(this.path, "wx", 0o600);
      for (const early of this.head) writeSync(this.file, early);
      this.tail = [...this.head];
      this.tailBytes = this.headBytes;
      this.head.push(chunk.slice(0, SHOWN_BYTES_MAX - this.headBytes));
    }
    if (this.total < KEPT_BYTES_MAX) writeSync(this.file, chunk.subarray(0, KEPT_BYTES_MAX - this.total));
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
}

/** Text without colors and NULs; half characters at a cut become U+FFFD. */
function textOf(chunks: readonly Uint8Array[]): string {
  return Bun.stripANSI(Buffer.concat(chunks).toString("utf8")).replaceAll("\0", "�");
}
