/** Ends a request when the client left, or when a limit ran out. */
export class RequestWatch {
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  readonly signal = this.controller.signal;
  expired = false;

  constructor(private readonly outer: AbortSignal) {
    if (outer.aborted) this.abort();
    outer.addEventListener("abort", this.abort, { once: true });
  }

  start(ms: number): void {
    this.stop();
    this.timer = setTimeout(() => {
      this.expired = true;
      this.abort();
    }, ms);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  readonly abort = (): void => {
    this.stop();
    this.outer.removeEventListener("abort", this.abort);
    this.controller.abort();
  };
}
