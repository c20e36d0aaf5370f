/** Work that takes turns: so many at once, those who wait by who they are, so that one of them cannot hold up the others. */
export class TurnQueue {
  private readonly waiting = new Map<number, (() => void)[]>();
  private busy = 0;

  constructor(private readonly turnsMax: number) {}

  /** How many have a turn. */
  get taken(): number {
    return this.busy;
  }

  /** @returns what gives the turn back. @throws the reason of `signal` when it ends first */
  async take(who: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.busy < this.turnsMax) this.busy++;
    else await this.wait(who, signal);
    let given = false;
    return () => {
      if (!given) this.pass();
      given = true;
    };
  }

  private wait(who: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        const queue = this.waiting.get(who)?.filter((turn) => turn !== start) ?? [];
        if (queue.length > 0) this.waiting.set(who, queue);
        else this.waiting.delete(who);
        reject(signal.reason);
      };
      const start = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      signal.addEventListener("abort", leave, { once: true });
      this.waiting.set(who, [...(this.waiting.get(who) ?? []), start]);
    });
  }

  /** The turn goes to who waits longest, who then stands behind the others. */
  private pass(): void {
    for (const [who, [start, ...later]] of this.waiting) {
      this.waiting.delete(who);
      if (later.length > 0) this.waiting.set(who, later);
      start?.();
      return;
    }
    this.busy--;
  }
}
