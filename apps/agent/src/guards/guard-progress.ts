import { blocked, type CallTrace, type Guard, nudge, type TurnTrace, type Verdict } from "./guard.ts";
import { TreeWatch } from "./tree-watch.ts";

/** Turns that bring nothing new, neither a result nor a change: nudge, end. A model that polls or goes in circles is here. */
const STALL_NUDGED_TURNS = 10;
const STALL_MAX_TURNS = 20;
/** Turns that only look, without a change to the working tree or a commit: a nudge each time. A review takes many, so they end nothing. */
const LOOKING_NUDGED_TURNS = 60;
/** What the summary shows of the last call, characters. */
const CALL_SHOWN_CHARS = 300;

/** Catches what brings nothing new: the same calls, circles (A, B, A, B), polling with another wait each time. */
export function stallGuard(): Guard {
  const news = new News();
  return new ProgressGuard((calls) => calls.map((call) => news.take(call)).includes(true), {
    nudgedTurns: STALL_NUDGED_TURNS,
    maxTurns: STALL_MAX_TURNS,
    what: "nothing new: no result that was not seen before, and no change to the working tree",
    advice:
      "Go on with the work in another way (to wait for something, wait once and longer), or call finish: completed when nothing needs to change, blocked when you cannot go on.",
  });
}

/** Reminds a model that reads on and on of its task. What it finds is new, or the other guard ends it. */
export function lookingGuard(): Guard {
  const changes = new News();
  const isNewChange = (call: CallTrace) => isEdit(call) && changes.take(call);
  return new ProgressGuard((calls) => calls.map(isNewChange).includes(true), {
    nudgedTurns: LOOKING_NUDGED_TURNS,
    maxTurns: Number.POSITIVE_INFINITY,
    what: "no change to the working tree and no commit",
    advice:
      "If the task asks for a change, begin with it now. If it asks for a review or an answer, call finish with it as soon as you know enough.",
  });
}

/** Whether a call changed a file, by its own account. */
export function isEdit(call: CallTrace): boolean {
  return !call.failed && (call.tool === "edit_file" || call.tool === "write_file");
}

interface ProgressLimits {
  nudgedTurns: number;
  maxTurns: number;
  what: string;
  /** What the nudge says to do. */
  advice: string;
}

/**
 * Counts turns without progress. What the calls show decides at no cost; only when they show none for half the time to a
 * nudge is the working tree looked at, for a silent command may have changed it.
 */
class ProgressGuard implements Guard {
  private turns = 0;
  private readonly tree = new TreeWatch();

  constructor(
    private readonly isProgress: (calls: readonly CallTrace[]) => boolean,
    private readonly limits: ProgressLimits,
  ) {}

  async judge(turn: TurnTrace): Promise<Verdict | undefined> {
    const { nudgedTurns, maxTurns, what, advice } = this.limits;
    if (this.isProgress(turn.calls) || turn.steered) {
      this.turns = 0;
      this.tree.forget();
      return undefined;
    }
    this.turns++;
    if (this.turns % (nudgedTurns / 2) !== 0) return undefined;
    if (await this.tree.isNew(turn)) this.turns = 0;
    if (this.turns >= maxTurns)
      return blocked(
        `Stopped by the agent's guard: the last ${this.turns} turns brought ${what}. The last call was: ${lastCall(turn)}`,
      );
    if (this.turns === 0 || this.turns % nudgedTurns !== 0) return undefined;
    return nudge(`Your last ${this.turns} turns brought ${what}. ${advice}`);
  }
}

/** Remembers what a run has seen, as hashes. */
class News {
  private readonly seen = new Set<number | bigint>();

  /** Notes a call. @returns whether it brought something new */
  take(call: CallTrace): boolean {
    const signature = `${call.tool}\0${withoutWaits(call.argsText)}`;
    if (isEdit(call)) return this.add(signature); // its output tells little
    // Both, as a poll may differ in its wait, in its flags, or in the time it prints.
    const newPair = this.add(`${signature}\0${withoutNumbers(call.output)}`);
    const newOutput = this.add(`${call.tool}\0\0${call.output}`);
    return newPair && newOutput;
  }

  private add(text: string): boolean {
    const size = this.seen.size;
    this.seen.add(Bun.hash(text));
    return this.seen.size > size;
  }
}

function withoutWaits(argsText: string): string {
  return argsText.replace(/\b(sleep|timeout)\s+[\d.]+[smhd]?|"timeout_s":\s*\d+/g, "$1");
}
function withoutNumbers(output: string): string {
  return output.replace(/\d+/g, "#");
}

function lastCall({ calls }: TurnTrace): string {
  const call = calls.at(-1);
  return call === undefined ? "none" : `${call.tool} ${call.argsText.slice(0, CALL_SHOWN_CHARS)}`;
}
