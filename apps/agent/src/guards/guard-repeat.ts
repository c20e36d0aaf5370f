import { blocked, type CallTrace, type Guard, nudge, type TurnTrace, type Verdict } from "./guard.ts";
import { isEdit } from "./guard-progress.ts";
import { TreeWatch } from "./tree-watch.ts";

/** Turns with the same failing call: so many get a nudge, and so many end the run. */
const FAILURES_NUDGED = 3;
const FAILURES_MAX = 6;
/** From here on the working tree is looked at when other commands ran: twice before the nudge, as the first look tells no change. */
const FAILURES_LOOKED = FAILURES_NUDGED - 1;
/** What the summary shows of the call and of the end of its output, characters. */
const ARGS_SHOWN_CHARS = 300;
const OUTPUT_SHOWN_CHARS = 600;

/**
 * Ends a run that makes the same failing call turn after turn. A change in between makes it another call: tests that fail
 * after each edit are work.
 */
export class RepeatGuard implements Guard {
  private readonly failures = new Map<number | bigint, number>();
  private readonly edits = new Set<number | bigint>();
  private readonly tree = new TreeWatch();
  /** Whether a command beside the failing ones ran since the last look: what they do to the tree themselves is no work. */
  private touched = false;

  async judge(turn: TurnTrace): Promise<Verdict | undefined> {
    if (turn.steered) this.restart();
    const failed = this.failedCalls(turn.calls);
    this.touched ||= turn.calls.some((call) => call.tool === "bash" && !failed.has(keyOf(call)));
    this.count(failed);
    const most = Math.max(0, ...[...failed.keys()].map((key) => this.failures.get(key) ?? 0));
    if (most >= FAILURES_LOOKED && (await this.treeIsNew(turn))) {
      this.failures.clear();
      this.count(failed);
    }
    return this.verdictOn(failed);
  }

  /** The calls of one turn that failed with nothing edited after them, each once. */
  private failedCalls(calls: readonly CallTrace[]): Map<number | bigint, CallTrace> {
    const failed = new Map<number | bigint, CallTrace>();
    for (const call of calls) {
      const key = keyOf(call);
      if (call.failed) failed.set(key, call);
      // Only an edit that is new: undoing and redoing one is part of the same circle.
      else if (isEdit(call) && !this.edits.has(key)) {
        this.edits.add(key);
        this.restart();
        failed.clear();
      }
    }
    return failed;
  }

  private count(failed: ReadonlyMap<number | bigint, CallTrace>): void {
    for (const key of failed.keys()) this.failures.set(key, (this.failures.get(key) ?? 0) + 1);
  }

  private async treeIsNew(turn: TurnTrace): Promise<boolean> {
    if (!this.touched) return false;
    this.touched = false;
    return this.tree.isNew(turn);
  }

  private verdictOn(failed: ReadonlyMap<number | bigint, CallTrace>): Verdict | undefined {
    const withCount = (matches: (failures: number) => boolean) =>
      [...failed].find(([key]) => matches(this.failures.get(key) ?? 0))?.[1];
    const last = withCount((failures) => failures >= FAILURES_MAX);
    if (last !== undefined) return blocked(summaryOf(last));
    const repeated = withCount((failures) => failures === FAILURES_NUDGED);
    if (repeated === undefined) return undefined;
    return nudge(
      `The same ${repeated.tool} call has failed ${FAILURES_NUDGED} times. It will fail again: read its error, and do something else. If nothing else can be done, call finish with outcome blocked.`,
    );
  }

  private restart(): void {
    this.failures.clear();
    this.tree.forget();
  }
}

function keyOf({ tool, argsText }: CallTrace): number | bigint {
  return Bun.hash(`${tool}\0${argsText}`);
}

function summaryOf({ tool, argsText, output }: CallTrace): string {
  const args = argsText.length > ARGS_SHOWN_CHARS ? `${argsText.slice(0, ARGS_SHOWN_CHARS)}…` : argsText;
  const tail = output.length > OUTPUT_SHOWN_CHARS ? `…${output.slice(-OUTPUT_SHOWN_CHARS)}` : output;
  return `Stopped by the agent's guard: the same call failed ${FAILURES_MAX} times, with nothing changed in between: ${tool} ${args}\nIts last output: ${tail}`;
}
