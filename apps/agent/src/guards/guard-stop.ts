import { type Guard, nudge, type TurnTrace, type Verdict } from "./guard.ts";

/** How often in one run a model that stopped is asked to go on or to finish, as long as it works in between. */
const STOPS_MAX = 5;

/** Asks a model that stops without `finish` for it, once for each stop; stopping again at once ends the run. */
export class StopGuard implements Guard {
  private asked = false;
  private stops = 0;

  judge(turn: TurnTrace): Verdict | undefined {
    const stopped = turn.calls.length === 0 && !isCut(turn.finishReason);
    if (!stopped || turn.steered) this.asked = false;
    if (!stopped || turn.messageWaits) return undefined;
    this.stops++;
    if (this.asked || this.stops > STOPS_MAX) return noFinish(this.asked, this.stops);
    this.asked = true;
    return nudge(
      "You stopped without calling the finish tool. If the work is done or cannot go on, call finish now; otherwise continue.",
    );
  }
}

/** A reply that was cut is for the guard of lengths. */
export function isCut(finishReason: string | undefined): finishReason is "length" | "content_filter" {
  return finishReason === "length" || finishReason === "content_filter";
}

function noFinish(asked: boolean, stops: number): Verdict {
  const message = asked
    ? "ended without finish: the model stopped, also when asked again"
    : `ended without finish: the model stopped ${stops} times`;
  return { kind: "end", end: { kind: "gave_up", code: "no_finish", message } };
}
