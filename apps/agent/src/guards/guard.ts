import type { LoopEnd } from "../loop-end.ts";

/** One call of a turn, as it went. */
export interface CallTrace {
  tool: string;
  argsText: string;
  output: string;
  /** A non-zero exit code, or an error in place of a result. */
  failed: boolean;
}

/** One turn of the model, as the guards see it. */
export interface TurnTrace {
  calls: readonly CallTrace[];
  /** Calls of the reply that were dropped because there were too many. */
  callsDropped: number;
  finishReason: string | undefined;
  /** Model calls that may still follow. */
  turnsLeft: number;
  /** A person wrote before this turn: what happened until then counts no more. */
  steered: boolean;
  /** A person has written since, and the model will read it next. */
  messageWaits: boolean;
  /** A mark of the working tree and its commit, which takes a git process; undefined when git cannot tell. */
  treeMark(): Promise<string | undefined>;
}

/** A nudge goes to the model and to those who watch; an end ends the run. */
export type Verdict = { kind: "nudge"; text: string } | { kind: "end"; end: LoopEnd };

/** Watches the turns of one run for one way to go wrong. It sees every turn, in order. */
export interface Guard {
  judge(turn: TurnTrace): Verdict | undefined | Promise<Verdict | undefined>;
}

export interface Judgement {
  nudges: string[];
  end: LoopEnd | undefined;
}

/** Asks every guard, so that each keeps its count; the first that wants to end decides. */
export async function judgeTurn(guards: readonly Guard[], turn: TurnTrace): Promise<Judgement> {
  const judgement: Judgement = { nudges: [], end: undefined };
  for (const guard of guards) {
    const verdict = await guard.judge(turn);
    if (verdict?.kind === "nudge") judgement.nudges.push(verdict.text);
    if (verdict?.kind === "end") judgement.end ??= verdict.end;
  }
  return judgement;
}

/** Goes on, and tells the model this. */
export function nudge(text: string): Verdict {
  return { kind: "nudge", text };
}

/** Ends the run as blocked: honest about the outcome, and what was committed still arrives. */
export function blocked(summary: string): Verdict {
  return { kind: "end", end: { kind: "finished", outcome: "blocked", summary } };
}
