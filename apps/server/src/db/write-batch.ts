/** Entries of one batch: what comes beyond is in the next. Keeps the bound values of a statement below what the engines take. */
const ENTRIES_MAX = 200;

/**
 * Writes what many callers have to write, together: what comes while one batch is written is in the next, so that nobody waits
 * for longer than two of them, and a busy server pays for few. Batches follow each other in order.
 */
export class WriteBatch<E> {
  private waiting: E[] = [];
  private next: Promise<void> | undefined;
  private last: Promise<unknown> = Promise.resolve();

  /** @param write all of the entries or none */
  constructor(private readonly write: (entries: readonly E[]) => Promise<void>) {}

  /** @returns when it is written; rejects as `write` does, for all of its batch */
  add(entry: E): Promise<void> {
    if (this.next === undefined || this.waiting.length >= ENTRIES_MAX) this.open();
    this.waiting.push(entry);
    return this.next as Promise<void>;
  }

  private open(): void {
    const entries: E[] = [];
    this.waiting = entries;
    const written = this.last.then(() => {
      if (this.waiting === entries) this.next = undefined;
      return this.write(entries);
    });
    this.next = written;
    this.last = written.catch(() => {});
  }
}
