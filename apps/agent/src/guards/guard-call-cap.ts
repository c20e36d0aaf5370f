import { type Guard, nudge, type TurnTrace, type Verdict } from "./guard.ts";

/** Tells the model which part of a far too long list of calls was done. */
export class CallCapGuard implements Guard {
  judge({ callsDropped, calls }: TurnTrace): Verdict | undefined {
    if (callsDropped === 0) return undefined;
    return nudge(
      `Your reply held ${callsDropped + calls.length} tool calls, more than one reply may hold: the first ${calls.length} were taken, the other ${callsDropped} were not run. Make fewer calls at once.`,
    );
  }
}
