/** Leave to make one call; given back once. */
export type Slot = { release(): void };

interface Waiter {
  start(slot: Slot): void;
}

/** The calls of one connection, or of one run. Runs wait in the order of the map; each one's calls in their own order. */
interface Line {
  active: number;
  queued: number;
  waiting: Map<number, Waiter[]>;
}

const FREE: Slot = { release: () => {} };

/**
 * Holds the calls over each connection, or of each run, to their limit. When a call ends, the run that waited longest
 * without a turn goes next, so that many calls of one run do not keep another from its first one. Of this process alone.
 */
export class CallQueue {
  private readonly lines = new Map<number, Line>();
  constructor(private readonly limits: { queuedCallsMax: number; queuedCallsPerRunMax: number }) {}

  /**
   * Waits for a slot, without bound but `signal`'s.
   * @param id of the connection or run whose calls are held to `max`; null holds none
   * @returns `full` at once when too many wait already, `left` when `signal` aborted first
   */
  async enter(
    id: number,
    max: number | null,
    run: number,
    signal: AbortSignal,
  ): Promise<Slot | "full" | "left"> {
    if (signal.aborted) return "left";
    if (max === null) return FREE;
    const line = this.lineOf(id);
    if (line.active < max && line.queued === 0) return this.take(id, line, max);
    const own = line.waiting.get(run) ?? [];
    if (line.queued >= this.limits.queuedCallsMax || own.length >= this.limits.queuedCallsPerRunMax) {
      return "full";
    }
    return new Promise((resolve) => {
      const waiter: Waiter = {
        start: (slot) => {
          signal.removeEventListener("abort", leave);
          resolve(slot);
        },
      };
      const leave = () => {
        this.remove(id, line, run, waiter);
        resolve("left");
      };
      signal.addEventListener("abort", leave, { once: true });
      line.waiting.set(run, [...own, waiter]);
      line.queued++;
      // A limit that was raised meanwhile lets those in that wait already.
      this.fill(id, line, max);
    });
  }

  private lineOf(id: number): Line {
    const known = this.lines.get(id);
    if (known !== undefined) return known;
    const line: Line = { active: 0, queued: 0, waiting: new Map() };
    this.lines.set(id, line);
    return line;
  }

  private take(id: number, line: Line, max: number): Slot {
    line.active++;
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        line.active--;
        this.fill(id, line, max);
      },
    };
  }

  private fill(id: number, line: Line, max: number): void {
    while (line.active < max && line.queued > 0) this.shift(line)?.start(this.take(id, line, max));
    if (line.active === 0 && line.queued === 0) this.lines.delete(id);
  }

  /** The next call of the run at the front, which then goes to the back. */
  private shift(line: Line): Waiter | undefined {
    for (const [run, waiters] of line.waiting) {
      const [next, ...rest] = waiters;
      line.waiting.delete(run);
      if (rest.length > 0) line.waiting.set(run, rest);
      line.queued--;
      return next;
    }
    return undefined;
  }

  private remove(id: number, line: Line, run: number, waiter: Waiter): void {
    const rest = (line.waiting.get(run) ?? []).filter((one) => one !== waiter);
    if (rest.length > 0) line.waiting.set(run, rest);
    else line.waiting.delete(run);
    line.queued--;
    if (line.active === 0 && line.queued === 0) this.lines.delete(id);
  }
}
