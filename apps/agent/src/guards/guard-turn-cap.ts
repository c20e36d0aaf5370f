import { type Guard, nudge, type TurnTrace, type Verdict } from "./guard.ts";

/** The model is told when this many calls are left: enough to round the work off, to commit, to say goodbye. */
const TURNS_LEFT_TOLD = [10, 3, 1];

/** Ends a run that goes on and on, and says so to the model in time. */
export class TurnCapGuard implements Guard {
  constructor(private readonly turnsMax: number) {}

  judge({ turnsLeft }: TurnTrace): Verdict | undefined {
    if (turnsLeft <= 0)
      return {
        kind: "end",
        end: {
          kind: "gave_up",
          code: "turns_exhausted",
          message: `not finished after ${this.turnsMax} model calls`,
        },
      };
    if (!TURNS_LEFT_TOLD.includes(turnsLeft)) return undefined;
    return nudge(
      turnsLeft === 1
        ? "This run ends after your next reply. Call finish now and say what is done and what is not."
        : `Only ${turnsLeft} replies are left in this run. Round the work off, commit it, and call finish; say what is not done.`,
    );
  }
}
