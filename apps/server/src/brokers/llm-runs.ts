import { assert } from "@windshift/contract/app-error.ts";
import type { CompiledQuery } from "kysely";
import { LIMIT_COLUMNS, type LimitRow } from "../budgets/budget-limits.ts";
import type { Queries } from "../db/database.ts";
import { selectLiveRuns } from "../runs/run-tokens.ts";

/** What the model broker has to know of a run, and no more: a row of all columns takes a millisecond when it is read seldom. */
export interface LlmRun extends LimitRow {
  token_hash: string;
  attempt: number;
}

/**
 * Finds the live runs that agents' tokens belong to. A statement of hundreds of values takes longer to build than to run, and one
 * that is seldom built takes longer still: each is built once, for its number of values.
 */
export class LlmRunReads {
  private readonly built = new Map<number, CompiledQuery<LlmRun>>();

  constructor(private readonly db: Queries) {}

  /** In one statement. @param hashes of tokens; those of no live run are left out */
  async find(hashes: readonly string[]): Promise<LlmRun[]> {
    const values = padded(hashes);
    const { length } = values;
    const built = this.built.get(length) ?? this.build(values);
    const parameters = [...values, ...built.parameters.slice(length)];
    return (await this.db.executeQuery<LlmRun>({ ...built, parameters })).rows;
  }

  private build(values: readonly string[]): CompiledQuery<LlmRun> {
    const built = selectRuns(this.db, values).compile();
    const isFirst = values.every((value, at) => built.parameters[at] === value);
    assert(isFirst, "the tokens are not the first values of the statement");
    this.built.set(values.length, built);
    return built;
  }
}

function selectRuns(db: Queries, hashes: readonly string[]) {
  return selectLiveRuns(db, hashes, "agent")
    .innerJoin("workspaces", "workspaces.id", "runs.workspace_id")
    .leftJoin("bindings", "bindings.id", "runs.binding_id")
    .select(LIMIT_COLUMNS)
    .select(["run_tokens.token_hash", "runs.attempt"]);
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
