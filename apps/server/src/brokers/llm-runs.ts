import { LIMIT_COLUMNS, type LimitRow } from "../budgets/budget-limits.ts";
import type { Queries } from "../db/database.ts";
import { selectLiveRuns } from "../runs/run-tokens.ts";

/** What the model broker has to know of a run, and no more: a row of all columns takes a millisecond when it is read seldom. */
export interface LlmRun extends LimitRow {
  token_hash: string;
  attempt: number;
}

/** The live runs that agents' tokens belong to, by the tokens' hashes; in one statement. */
export function findLlmRuns(db: Queries, hashes: readonly string[]): Promise<LlmRun[]> {
  return selectLiveRuns(db, padded(hashes), "agent")
    .innerJoin("workspaces", "workspaces.id", "runs.workspace_id")
    .leftJoin("bindings", "bindings.id", "runs.binding_id")
    .select(LIMIT_COLUMNS)
    .select(["run_tokens.token_hash", "runs.attempt"])
    .execute();
}

/** Whether two rows of one token say the same. */
export function isSameRun(a: LlmRun, b: LlmRun): boolean {
  return (
    a.id === b.id &&
    a.attempt === b.attempt &&
    a.workspace_id === b.workspace_id &&
    a.binding_id === b.binding_id &&
    a.budget_tokens_added === b.budget_tokens_added &&
    a.budget_cost_micros_added === b.budget_cost_micros_added &&
    a.workspace_budget === b.workspace_budget &&
    a.binding_budget === b.binding_budget &&
    a.grants === b.grants
  );
}

/** To a power of two, by naming the last one again: a statement is kept ready for each number of values. */
function padded(hashes: readonly string[]): readonly string[] {
  const length = 2 ** Math.ceil(Math.log2(Math.max(1, hashes.length)));
  const last = hashes.at(-1);
  return last === undefined ? hashes : [...hashes, ...Array<string>(length - hashes.length).fill(last)];
}
