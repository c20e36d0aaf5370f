import { type FileHandle, open } from "node:fs/promises";

/** Resolves when what was written to the file is on the disk. */
export type Flush = (file: FileHandle) => Promise<void>;

/**
 * Waits for the disk in place of SQLite, which would hold up the whole process for it: flushes the write-ahead log of a
 * database that this process has open. All that ask while one flush is under way share the next one.
 */
export class WalSync {
  private file: Promise<FileHandle> | undefined;
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;
  private failure: unknown;
  /** When the first of those asked who wait for the flush under way, and for the one behind it. */
  private runningSinceMs: number | undefined;
  private nextSinceMs: number | undefined;

  /** @param databaseFile whose log stands beside it for as long as somebody has the database open */
  constructor(
    private readonly databaseFile: string,
    private readonly flush: Flush = (file) => file.datasync(),
  ) {}

  /**
   * Resolves when everything that was committed before the call is on the disk.
   * @throws what the disk said, now and ever after: the kernel drops what it could not write and reports it once
   */
  sync(): Promise<void> {
    this.next ??= this.flushNext();
    return this.next;
  }

  /** For how long somebody has been waiting, ms; endless once the disk failed. */
  lagMs(): number {
    if (this.failure !== undefined) return Number.POSITIVE_INFINITY;
    const sinceMs = this.runningSinceMs ?? this.nextSinceMs;
    return sinceMs === undefined ? 0 : performance.now() - sinceMs;
  }

  /** @throws what the disk said when it failed once */
  assertSound(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  async close(): Promise<void> {
    await this.next?.catch(() => {});
    await this.running;
    await this.file?.then((file) => file.close()).catch(() => {});
  }

  private flushNext(): Promise<void> {
    this.nextSinceMs = performance.now();
    return this.running.then(() => {
      this.next = undefined;
      this.runningSinceMs = this.nextSinceMs;
      this.nextSinceMs = undefined;
      const turn = this.flushOnce();
      this.running = turn.then(
        () => {
          this.runningSinceMs = undefined;
        },
        () => {},
      );
      return turn;
    });
  }

  private async flushOnce(): Promise<void> {
    this.assertSound();
    try {
      this.file ??= open(`${this.databaseFile}-wal`, "r+");
      await this.flush(await this.file);
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
