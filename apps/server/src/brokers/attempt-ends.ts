import type { Attempt, RunId } from "@windshift/contract/ids.ts";
import type { Database } from "../db/database.ts";
import { isLiveAttempt } from "../runs/run-tokens.ts";

/** Time before the database is asked again when it did not answer, ms. */
const LOOK_AGAIN_MS = 1_000;

/**
 * One abort signal per attempt with a model call in flight, so that a stream is cut when its attempt ends: by cancel, by
 * a lost lease or by its result. Every wake-up of the run makes it look; between wake-ups the next call looks anyway.
 */
export class AttemptEnds {
  private readonly watched = new Map<string, AbortSignal>();
  constructor(private readonly database: Database) {}

  /** Aborts once the attempt is not the live one any more. Call it for live attempts only. */
  signalFor(run: RunId, attempt: Attempt): AbortSignal {
    const key = `${run}:${attempt}`;
    const known = this.watched.get(key);
    if (known !== undefined) return known;
    const controller = new AbortController();
    const stop = this.database.signals.listen(`run:${run}`, () => void look());
    const look = async () => {
      const live = await isLiveAttempt(this.database.kysely, run, attempt).catch(() => "unknown" as const);
      if (live === "unknown") setTimeout(() => void look(), LOOK_AGAIN_MS);
      if (live !== false || controller.signal.aborted) return;
      stop();
      this.watched.delete(key);
      controller.abort();
    };
    // It may have ended between the caller's look and our listening.
    void look();
    this.watched.set(key, controller.signal);
    return controller.signal;
  }
}
