/** One wait that is under way; give it to `end` when what was waited for came. */
export interface Deadline {
  dueMs: number;
  onDue(): void;
}

/**
 * Waits of one length, many at once and most of them in vain: all share one timer of the runtime, because making and
 * clearing one a call costs several times as much as this.
 */
export class Deadlines {
  /** In the order in which they come due, since each is as long as the others. */
  private readonly waits = new Set<Deadline>();
  private timer: Timer | undefined;

  /** @param ms from the start of a wait to its end */
  constructor(private readonly ms: number) {}

  /** Calls `onDue` once when the time has passed and the wait was not ended. */
  start(onDue: () => void): Deadline {
    const wait = { dueMs: performance.now() + this.ms, onDue };
    this.waits.add(wait);
    if (this.timer === undefined) this.arm(this.ms);
    return wait;
  }

  end(wait: Deadline): void {
    this.waits.delete(wait);
  }

  /** The timer is left to run when the wait it was set for ended, and looks then what comes next. */
  private arm(ms: number): void {
    this.timer = setTimeout(() => this.look(), ms);
    this.timer.unref(); // a process with nothing else to do may end
  }

  private look(): void {
    this.timer = undefined;
    const nowMs = performance.now();
    const due: Deadline[] = [];
    for (const wait of this.waits) {
      if (wait.dueMs > nowMs) {
        this.arm(wait.dueMs - nowMs);
        break;
      }
      this.waits.delete(wait);
      due.push(wait);
    }
    for (const wait of due) wait.onDue();
  }
}
