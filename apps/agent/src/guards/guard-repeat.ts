import { blocked, type CallTrace, type Guard, nudge, type TurnTrace, type Verdict } from "./guard.ts";
import { isChange } from "./guard-progress.ts";

/** The same call failing this often gets a nudge, and this often ends the run. */
const FAILURES_NUDGED = 3;
const FAILURES_MAX = 6;
/** What the summary shows of the call and of the end of its output, characters. */
const ARGS_SHOWN_CHARS = 300;
const OUTPUT_SHOWN_CHARS = 600;

/**
 * Ends a run that makes the same failing call again and again. A change in between makes it another call: tests that fail
 * after each edit are work.
 */
export class RepeatGuard implements Guard {
  private readonly failures = new Map<number | bigint, number>();
  private readonly changes = new Set<number | bigint>();

  judge({ calls, steered }: TurnTrace): Verdict | undefined {
    if (steered) this.failures.clear();
    let verdict: Verdict | undefined;
    for (const call of calls) verdict = this.note(call) ?? verdict;
    return verdict;
  }

  private note(call: CallTrace): Verdict | undefined {
    const key = Bun.hash(`${call.tool}\0${call.argsText}`);
    if (!call.failed) {
      // Only a change that is new: undoing and redoing one is part of the same circle.
      if (isChange(call) && !this.changes.has(key)) this.failures.clear();
      this.changes.add(key);
      return undefined;
    }
    const failures = (this.failures.get(key) ?? 0) + 1;
    this.failures.set(key, failures);
    if (failures >= FAILURES_MAX) return blocked(summaryOf(call, failures));
    if (failures !== FAILURES_NUDGED) return undefined;
    return nudge(
      `The same ${call.tool} call has failed ${failures} times. It will fail again: read its error, and do something else. If nothing else can be done, call finish with outcome blocked.`,
    );
  }
}

function summaryOf({ tool, argsText, output }: CallTrace, failures: number): string {
  const args = argsText.length > ARGS_SHOWN_CHARS ? `${argsText.slice(0, ARGS_SHOWN_CHARS)}…` : argsText;
  const tail = output.length > OUTPUT_SHOWN_CHARS ? `…${output.slice(-OUTPUT_SHOWN_CHARS)}` : output;
  return `Stopped by the agent's guard: the same call failed ${failures} times, with nothing changed in between: ${tool} ${args}\nIts last output: ${tail}`;
}
