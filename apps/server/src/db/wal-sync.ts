import { type FileHandle, open } from "node:fs/promises";

/**
 * Waits for the disk in place of SQLite, which would hold up the whole process for it: flushes the write-ahead log of a
 * database that this process has open. All that ask while one flush is under way share the next one.
 */
export class WalSync {
  private file: Promise<FileHandle> | undefined;
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;
  private failure: unknown;

  /** @param databaseFile whose log stands beside it for as long as somebody has the database open */
  constructor(
    private readonly databaseFile: string,
    private readonly flush = (file: FileHandle) => file.datasync(),
  ) {}

  /**
   * Resolves when everything that was committed before the call is on the disk.
   * @throws what the disk said, now and ever after: the kernel drops what it could not write and reports it once
   */
  sync(): Promise<void> {
    this.next ??= this.running.then(() => {
      const turn = this.flushOnce();
      this.next = undefined;
      this.running = turn.catch(() => {});
      return turn;
    });
    return this.next;
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
