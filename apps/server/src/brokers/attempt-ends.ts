import type { Attempt, RunId } from "@windshift/contract/ids.ts";
import type { Database } from "../db/database.ts";
import { isLiveAttempt } from "../runs/run-tokens.ts";

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
      const live = await isLiveAttempt(this.database.kysely, run, attempt).catch(() => true);
      if (live || controller.signal.aborted) return;
      stop();
      this.watched.delete(key);
      controller.abort();
    };
    this.watched.set(key, controller.signal);
    return controller.signal;
  }
}
