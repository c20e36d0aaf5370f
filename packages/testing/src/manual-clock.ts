import type { Clock } from "@windshift/base/clock.ts";
import { turn } from "@windshift/base/turn.ts";

/** Turns of the event loop that whoever was woken gets before the clock goes on: enough for work that waits for nothing else. */
const TURNS = 3;

/** A clock that stands still until a test lets time pass. */
export class ManualClock implements Clock {
  private readonly sleepers = new Set<{ untilMs: number; wake: () => void }>();

  constructor(private ms = 0) {}

  nowMs(): number {
    return this.ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        this.sleepers.delete(sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { untilMs: this.ms + ms, wake };
      this.sleepers.add(sleeper);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /** Lets `ms` pass: wakes each sleeper at its moment, in their order, with what follows from it. */
  async pass(ms: number): Promise<void> {
    const endMs = this.ms + ms;
    await settle();
    for (let next = this.next(endMs); next !== undefined; next = this.next(endMs)) {
      this.ms = next.untilMs;
      next.wake();
      await settle();
    }
    this.ms = endMs;
  }

  private next(endMs: number) {
    const due = [...this.sleepers].filter(({ untilMs }) => untilMs <= endMs);
    return due.sort((a, b) => a.untilMs - b.untilMs)[0];
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await turn();
}
