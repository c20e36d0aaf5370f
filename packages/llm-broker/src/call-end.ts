import { AppError, assertNever } from "@windshift/contract/app-error.ts";

/** Why a call to a provider ended before its reply did. */
export type EndCause =
  | { kind: "client_left" }
  | { kind: "run_ended" }
  | { kind: "header_timeout"; ms: number }
  | { kind: "idle_timeout"; ms: number }
  | { kind: "cut" };

/** Status of the ledger for a caller that left; nobody is there to be answered. */
const CLIENT_LEFT_STATUS = 499;

/** What wants to know of the end of a call: the relay of its stream. */
export interface EndListener {
  ended(): void;
  /** Whether the provider is about to say what the call used, so that it is worth to read on for a moment. */
  isDrained(): boolean;
}

/** What the calls of a run want to be told, by the signal that says it ended. */
const calls = new WeakMap<AbortSignal, Set<() => void>>();

/** One listener a run and not one a call: adding and removing those is dear on a signal that many calls share. */
function callsOf(run: AbortSignal): Set<() => void> {
  const known = calls.get(run);
  if (known !== undefined) return known;
  const told = new Set<() => void>();
  const tellAll = () => {
    for (const tell of told) tell();
  };
  run.addEventListener("abort", tellAll, { once: true });
  calls.set(run, told);
  return told;
}

/**
 * One place where a call is ended: the first cause wins, and the connection to the provider is closed at once, or when a
 * reply whose caller left was drained.
 */
export class CallEnd {
  cause: EndCause | undefined;
  listener: EndListener | undefined;
  private drain: Timer | undefined;
  private readonly controller = new AbortController();
  private readonly onClient = () => this.end({ kind: "client_left" });
  private readonly onRun = () => this.end({ kind: "run_ended" });

  constructor(
    private readonly client: AbortSignal,
    private readonly run: AbortSignal,
    private readonly drainMsMax: number,
  ) {
    client.addEventListener("abort", this.onClient, { once: true });
    callsOf(run).add(this.onRun);
    if (run.aborted) this.onRun();
    if (client.aborted) this.onClient();
  }

  /** Aborts when nothing is read of the provider any more. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(cause: EndCause): void {
    if (this.cause !== undefined) {
      // A caller leaves in two ways at once; any other end also ends the draining.
      if (cause.kind !== "client_left") this.controller.abort();
      return;
    }
    this.cause = cause;
    const drained = cause.kind === "client_left" && this.listener?.isDrained() === true;
    if (drained) this.drain = setTimeout(() => this.controller.abort(), this.drainMsMax);
    else this.controller.abort();
    this.listener?.ended();
  }

  /** Lets go of the two signals, which outlive the call. */
  release(): void {
    clearTimeout(this.drain);
    this.listener = undefined;
    this.client.removeEventListener("abort", this.onClient);
    callsOf(this.run).delete(this.onRun);
  }

  /** What the caller is told. A failure nobody caused here is the provider's. */
  error(): AppError {
    const cause = this.cause ?? { kind: "cut" };
    switch (cause.kind) {
      case "client_left":
        return new AppError("invalid_input", "The caller closed the connection.");
      case "run_ended":
        return new AppError("run_ended", "This run has ended; its token no longer reaches the model.");
      case "header_timeout":
        return new AppError("timed_out", `The model provider did not answer within ${cause.ms / 1_000} s.`);
      case "idle_timeout":
        return new AppError("timed_out", `The model provider fell silent for ${cause.ms / 1_000} s.`);
      case "cut":
        return new AppError(
          "upstream_failed",
          "The model provider cut the reply short; what came before it is not a whole answer.",
        );
      default:
        return assertNever(cause);
    }
  }

  get status(): number {
    return this.cause?.kind === "client_left" ? CLIENT_LEFT_STATUS : this.error().status;
  }
}
