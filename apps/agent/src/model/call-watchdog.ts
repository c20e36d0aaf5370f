/** How long one call to the model may take, ms. A test may set them lower. */
export interface CallLimits {
  headerMsMax: number;
  silenceMsMax: number;
  afterEndMsMax: number;
  replyMsMax: number;
}

/** Aborts its signal when the outer one does, or when what is expected does not come in time. Real time: it guards against a server that is. */
export class CallWatchdog {
  readonly signal: AbortSignal;
  /** Rejects when the signal aborts: for what does not heed a signal at once. */
  readonly gone: Promise<never>;
  private readonly controller = new AbortController();
  private readonly lastMs: number;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private timerEndsMs = Number.POSITIVE_INFINITY;
  private waitMs = 0;
  private endsMs = 0;

  constructor(
    private readonly outer: AbortSignal,
    replyMsMax: number,
  ) {
    this.signal = this.controller.signal;
    this.lastMs = performance.now() + replyMsMax;
    this.gone = new Promise((_, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason), { once: true });
    });
    this.gone.catch(() => {}); // whoever waits for it hears of it
    outer.addEventListener("abort", this.abort, { once: true });
    if (outer.aborted) this.abort();
  }

  /** From now on something has to happen every `ms`. */
  expect(ms: number): void {
    this.waitMs = ms;
    this.heard();
    if (this.endsMs < this.timerEndsMs) this.arm();
  }

  /** Something happened. Costs no timer: the one that runs looks again when it rings. */
  heard(): void {
    this.endsMs = Math.min(performance.now() + this.waitMs, this.lastMs);
  }

  end(): void {
    clearTimeout(this.timer);
    this.outer.removeEventListener("abort", this.abort);
  }

  private readonly abort = (): void => this.controller.abort(this.outer.reason);

  private arm(): void {
    clearTimeout(this.timer);
    this.timerEndsMs = this.endsMs;
    this.timer = setTimeout(() => this.ring(), Math.max(0, this.endsMs - performance.now()));
  }

  private ring(): void {
    const tooLong = this.endsMs === this.lastMs;
    if (performance.now() < this.endsMs - 1) this.arm();
    else
      this.controller.abort(new Error(tooLong ? "it took too long" : `silence for ${this.waitMs / 1_000} s`));
  }
}
