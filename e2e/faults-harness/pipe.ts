import type { Socket } from "node:net";

/** What came from one end of a wire on its way to the other, in order; held up or delayed as the link wants it. */
export class Pipe {
  private readonly waiting: { chunk: Buffer | null; dueMs: number }[] = [];
  private held = false;
  private delayMs = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ended = false;

  constructor(private readonly target: Socket) {}

  push(chunk: Buffer): void {
    this.waiting.push({ chunk, dueMs: performance.now() + this.delayMs });
    this.pump();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.waiting.push({ chunk: null, dueMs: performance.now() + this.delayMs });
    this.pump();
  }

  set(held: boolean, delayMs: number): void {
    this.held = held;
    this.delayMs = delayMs;
    this.pump();
  }

  private pump(): void {
    clearTimeout(this.timer);
    while (!this.held) {
      const [next] = this.waiting;
      if (next === undefined) return;
      const leftMs = next.dueMs - performance.now();
      if (leftMs > 0) {
        this.timer = setTimeout(() => this.pump(), leftMs);
        return;
      }
      this.waiting.shift();
      if (this.target.destroyed) continue;
      if (next.chunk === null) this.target.end();
      else this.target.write(next.chunk);
    }
  }
}
