import { type Guard, nudge, type TurnTrace, type Verdict } from "./guard.ts";
import { isCut } from "./guard-stop.ts";

/** Cut replies in a row, without a single call that worked, after which the run ends. */
const CUTS_MAX = { length: 5, content_filter: 3 };
const NUDGES = {
  length:
    "Your reply was cut off at the length limit. Go on with the work in smaller steps: shorter thoughts, and long files in several calls.",
  content_filter:
    "The provider's content filter stopped your reply. Say it differently, or go on another way.",
};

/** Lets a model go on whose reply the provider cut, but not for ever. */
export class LengthGuard implements Guard {
  private cuts = 0;

  judge({ finishReason, calls }: TurnTrace): Verdict | undefined {
    // Some providers say `length` whatever happened: a call that worked was not cut.
    if (!isCut(finishReason) || calls.some((call) => !call.failed)) {
      this.cuts = 0;
      return undefined;
    }
    this.cuts++;
    if (this.cuts <= CUTS_MAX[finishReason]) return nudge(NUDGES[finishReason]);
    const message = `${this.cuts} replies in a row were cut by the provider (finish_reason ${finishReason}) and did nothing`;
    return { kind: "end", end: { kind: "gave_up", code: finishReason, message } };
  }
}
