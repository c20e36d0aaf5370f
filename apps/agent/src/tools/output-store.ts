import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OutputCollector, type OutputKind, type ShownOutput } from "./output-collector.ts";

/** What is kept of all outputs together, bytes: /tmp counts as memory of the container. The oldest make room. */
const KEPT_TOTAL_BYTES_MAX = 128 * 1_048_576;
const DROPPED_TEXT = "[this output was dropped to save memory; run the command again to see it]\n";

/** Keeps the full text of cut tool outputs in files the model can read. */
export class OutputStore {
  private dir: string | undefined;
  private count = 0;
  private readonly kept: { path: string; bytes: number }[] = [];
  /** @param keptTotalBytesMax smaller in tests */
  constructor(private readonly keptTotalBytesMax = KEPT_TOTAL_BYTES_MAX) {}

  /** Folders of kept outputs; none before the first long output. */
  readonly dirs = (): readonly string[] => (this.dir === undefined ? [] : [this.dir]);

  /** A place for the next output. Bytes go in as they come; memory stays bounded. */
  collect(kind: OutputKind): OutputCollector {
    return new OutputCollector(kind, {
      newPath: () => this.newPath(),
      settle: (path, bytes) => this.settle(path, bytes),
    });
  }

  /** Cuts a text that is already whole. */
  cut(text: string): ShownOutput {
    const collector = this.collect("plain");
    collector.push(Buffer.from(text));
    return collector.end();
  }

  /** Keeps a text whole, whatever its length. @returns its file; undefined when there is no room for it */
  readonly keep = (text: string): string | undefined => {
    try {
      const path = this.newPath();
      writeFileSync(path, text, { flag: "wx", mode: 0o600 });
      this.settle(path, Buffer.byteLength(text));
      return path;
    } catch {
      return undefined; // /tmp is full, or a command has taken it away
    }
  };

  private newPath(): string {
    this.dir ??= realpathSync(mkdtempSync(join(tmpdir(), "windshift-output-")));
    mkdirSync(this.dir, { recursive: true, mode: 0o700 }); // a command may have emptied /tmp
    return join(this.dir, `${++this.count}.txt`);
  }

  private settle(path: string, bytes: number): void {
    this.kept.push({ path, bytes });
    let total = this.kept.reduce((sum, file) => sum + file.bytes, 0);
    while (total > this.keptTotalBytesMax && this.kept.length > 1) {
      const oldest = this.kept.shift();
      total -= oldest?.bytes ?? 0;
      if (oldest !== undefined) drop(oldest.path);
    }
  }
}

/** Puts a sentence in place of an output: whoever reads the file, with whatever tool, is told what became of it. */
function drop(path: string): void {
  try {
    writeFileSync(path, DROPPED_TEXT);
  } catch {
    // A command has removed the folder.
  }
}
