import { AppError } from "@windshift/contract/app-error.ts";
import type { BudgetRaise } from "@windshift/contract/budget.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { record } from "../audit/audit-store.ts";
import { monthOf } from "../budgets/budget-month.ts";
import { describeShort, show } from "../budgets/budget-short.ts";
import { findStillShort, readBudgetStates } from "../budgets/budget-state.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Run } from "./run.ts";
import { listNextWaiting, listWaitingForBudget } from "./run-budget-store.ts";
import { lockRun } from "./run-fence.ts";
import { resumeRun } from "./run-resume.ts";

/**
 * Adds to a run's own budget; when it waits for a budget and there is room now, it goes on.
 * @throws AppError `conflict` when the run has ended, or when it would be refused again: then nothing is added, and the
 *   message says which budget is short and who can raise it
 */
export async function raiseRunBudget(
  database: Database,
  runId: RunId,
  raise: BudgetRaise,
  by: string,
): Promise<void> {
  await database.transaction(async (tx) => {
    const run = await lockRun(database, tx, runId);
    if (run === undefined) throw new AppError("not_found", `run ${runId} does not exist`);
    requireBudget(run, raise);
    const { tokens = 0, cost_micros = 0 } = raise;
    await tx
      .updateTable("runs")
      .set((eb) => ({
        budget_tokens_added: eb("budget_tokens_added", "+", tokens),
        budget_cost_micros_added: eb("budget_cost_micros_added", "+", cost_micros),
      }))
      .where("id", "=", runId)
      .execute();
    await record(tx, {
      workspaceId: run.workspace_id,
      actor: { user: by },
      action: "run.budget_raised",
      subject: `run ${runId}`,
      data: { tokens, cost_micros },
    });
    const problem = await resumeFunded(database, tx, run);
    if (problem !== undefined) throw new AppError("conflict", problem);
  });
  await notifyResumed(database, [runId]);
}

/** Goes on with every run that waits for this budget, or for any other of its workspace or binding, and has room now. */
export async function resumeAfterRaise(
  database: Database,
  of: { scope: "workspace" | "binding"; id: number },
): Promise<void> {
  const resumed: number[] = [];
  for (const id of await listWaitingForBudget(database.kysely, of))
    if (await resumeWaiting(database, id)) resumed.push(id);
  await notifyResumed(database, resumed);
}

/** Waiting runs that one look takes up: a few statements each. */
const WAITING_LOOKED_MAX = 50;

/**
 * Goes on with runs that wait although there is room for their next call: another month has begun, a budget was raised after
 * the call was refused and before the run was seen to wait, or only what other calls had set aside stood in its way and came back.
 * @param afterRun where the look before ended; 0 from the first
 * @returns where the next look begins
 */
export async function resumeWhereRoom(database: Database, afterRun: number): Promise<number> {
  const waiting = await listNextWaiting(database.kysely, afterRun, WAITING_LOOKED_MAX);
  const month = monthOf(Date.now());
  const resumed: number[] = [];
  for (const { id, short } of waiting) {
    const states = await readBudgetStates(database.kysely, id, month);
    if (findStillShort(states, short, "spent_and_held") !== undefined) continue;
    if (await resumeWaiting(database, id)) resumed.push(id);
  }
  await notifyResumed(database, resumed);
  return waiting.length < WAITING_LOOKED_MAX ? 0 : (waiting.at(-1)?.id ?? 0);
}

/** @returns whether it waited for a budget and goes on */
function resumeWaiting(database: Database, id: number): Promise<boolean> {
  return database.transaction(async (tx) => {
    const run = await lockRun(database, tx, id);
    if (run?.reason !== "budget" || run.status !== "waiting") return false;
    return (await resumeFunded(database, tx, run)) === undefined;
  });
}

/** @returns why it still cannot go on */
async function resumeFunded(database: Database, tx: Queries, run: Run): Promise<string | undefined> {
  if (run.status !== "waiting" || run.reason !== "budget" || run.budget_short === null) return undefined;
  const states = await readBudgetStates(tx, run.id, monthOf(Date.now()));
  const short = findStillShort(states, run.budget_short, "spent");
  if (short === undefined) {
    await resumeRun(database, tx, run.id, "budget");
    return undefined;
  }
  if (short.scope !== "run") return describeShort(short);
  const least = short.used + short.needed - short.limit;
  return `That is too little for the next call of run ${run.id}: add ${show(least, short.measure)} more, at least.`;
}

function requireBudget(run: Run, raise: BudgetRaise): void {
  if (isTerminal(run.status))
    throw new AppError("conflict", `run ${run.id} has ended already (${run.status})`);
  const { tokens_max = null, cost_micros_max = null } = run.grants?.budget ?? {};
  const open = [
    ...(raise.tokens !== undefined && tokens_max === null ? ["tokens"] : []),
    ...(raise.cost_micros !== undefined && cost_micros_max === null ? ["cost_micros"] : []),
  ];
  const [path] = open;
  if (path === undefined) return;
  // The month's budget may be what it waits for; say so instead of taking what changes nothing.
  const why =
    run.budget_short !== null && run.budget_short.scope !== "run"
      ? describeShort(run.budget_short)
      : `run ${run.id} has no such budget, so nothing can be added to it`;
  throw new AppError(run.budget_short === null ? "invalid_input" : "conflict", `${path}: ${why}`, {
    details: [{ path, message: why }],
  });
}

async function notifyResumed(database: Database, runs: readonly number[]): Promise<void> {
  for (const id of runs) await database.signals.notify(`run:${id}`);
  if (runs.length > 0) await database.signals.notify("queue");
}
