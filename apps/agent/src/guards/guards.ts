import type { Guard } from "./guard.ts";
import { CallCapGuard } from "./guard-call-cap.ts";
import { LengthGuard } from "./guard-length.ts";
import { lookingGuard, stallGuard } from "./guard-progress.ts";
import { RepeatGuard } from "./guard-repeat.ts";
import { StopGuard } from "./guard-stop.ts";
import { TurnCapGuard } from "./guard-turn-cap.ts";

/** The guards of one run. The cap on turns comes last: whoever has a better reason to end says so first. */
export function guardsOfRun(turnsMax: number): Guard[] {
  return [
    new CallCapGuard(),
    new LengthGuard(),
    new StopGuard(),
    new RepeatGuard(),
    stallGuard(),
    lookingGuard(),
    new TurnCapGuard(turnsMax),
  ];
}
