/** A sleeper; of two for the same moment the one that slept first wakes first. */
interface Sleeper {
  atMs: number;
  order: number;
  wake(): void;
}

/**
 * Time that passes only when all that can happen at a moment has happened. Whoever acts in it sleeps; what is awaited besides must come
 * about by itself at once (an in-memory database does), so that the same seed is always the same story.
 */
export class VirtualClock {
  private readonly heap: Sleeper[] = [];
  private order = 0;

  constructor(public nowMs: number) {}

  /** Resolves at that time, never before the next step. */
  sleep(ms: number): Promise<void> {
    return new Promise((wake) =>
      this.push({ atMs: this.nowMs + Math.max(0, ms), order: this.order++, wake }),
    );
  }

  /** Goes on to the next moment at which somebody wakes. @returns false when nobody sleeps */
  async step(beforeWaking: (nowMs: number) => void): Promise<boolean> {
    const first = this.heap[0];
    if (first === undefined) return false;
    this.nowMs = Math.max(this.nowMs, first.atMs);
    beforeWaking(this.nowMs);
    for (let next = this.heap[0]; next !== undefined && next.atMs <= this.nowMs; next = this.heap[0]) {
      this.pop();
      next.wake();
    }
    // All that follows from it runs before the next turn of the event loop.
    await new Promise<void>((resolve) => setImmediate(resolve));
    return true;
  }

  private push(sleeper: Sleeper): void {
    const { heap } = this;
    heap.push(sleeper);
    for (let at = heap.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.swapIfLess(at, parent)) return;
      at = parent;
    }
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const least = right < heap.length && this.isLess(right, left) ? right : left;
      if (least >= heap.length || !this.swapIfLess(least, at)) return;
      at = least;
    }
  }

  private swapIfLess(a: number, b: number): boolean {
    if (!this.isLess(a, b)) return false;
    const { heap } = this;
    [heap[a], heap[b]] = [heap[b] as Sleeper, heap[a] as Sleeper];
    return true;
  }

  private isLess(a: number, b: number): boolean {
    const [one, other] = [this.heap[a] as Sleeper, this.heap[b] as Sleeper];
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
  }
}
