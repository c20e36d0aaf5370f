/** Why a job ends before its work is done. */
export type StopCause =
  /** A person asked for it; reported, not pushed. */
  | "canceled"
  /** Another attempt may own the run; nothing is reported or pushed. */
  | "lease_lost"
  /** The server was silent for so long that another host may be at work; nothing is pushed, what is to be said is kept. */
  | "partitioned"
  /** This program is told to end now; nothing is reported, so the lease lapses and the run is queued again. */
  | "interrupted";

/** One job's brakes, shared by all that can ask for its end and all that must obey. */
export class JobControl {
  private readonly gentle = new AbortController();
  private readonly hard = new AbortController();
  private readonly outcome = new AbortController();
  private first: StopCause | null = null;

  /** Aborts when the job is to end; host work stops at once, the agent is asked to. */
  get ending(): AbortSignal {
    return this.gentle.signal;
  }
  /** Aborts when the agent is to be killed. */
  get kill(): AbortSignal {
    return this.hard.signal;
  }
  /** Aborts when the result of this attempt no longer matters to the server. */
  get forsaken(): AbortSignal {
    return this.outcome.signal;
  }
  get cause(): StopCause | null {
    return this.first;
  }
  /** The first cause stays, except that every other one outranks a cancel. */
  stop(cause: StopCause, force = false): void {
    if (this.first === null || (this.first === "canceled" && cause !== "canceled")) this.first = cause;
    this.gentle.abort();
    if (force || cause !== "canceled") this.hard.abort();
    if (cause !== "canceled") this.outcome.abort();
  }
}
