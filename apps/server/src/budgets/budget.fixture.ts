import type { Database } from "../db/database.ts";
import type { NewRow, Row } from "../db/schema.ts";
import type { RunFixture } from "../testing/run-fixture.ts";

interface Limits {
  tokens_max?: number | null;
  cost_micros_max?: number | null;
}
export interface TestBudgets {
  run?: Limits;
  month?: Limits;
  workspace?: Limits;
}

const GRANTS = {
  repository_id: 1,
  owner: "acme",
  repo: "r1",
  base_branch: "main",
  llm_connection_id: 1,
  model: "scripted",
  instructions: "",
  image: null,
  limits: {},
};
/** Tokens that calls of the tests use. */
export const USED = 120;

/** A running run of the fixture's first workspace with these budgets. */
export interface BudgetRun {
  id: number;
  workspace: number;
  binding: number;
  read(): Promise<Row<"runs">>;
  setBinding(budget: Pick<TestBudgets, "month">): Promise<void>;
}

export async function startBudgetRun(fixture: RunFixture, budgets: TestBudgets): Promise<BudgetRun> {
  const db = fixture.database.kysely;
  const workspace = fixture.workspaces[0] as number;
  const { id: binding } = await db
    .selectFrom("bindings")
    .select("id")
    .where("workspace_id", "=", workspace)
    .executeTakeFirstOrThrow();
  const setBinding = async (budget: Pick<TestBudgets, "month">) => {
    await db
      .updateTable("bindings")
      .set({ budget: JSON.stringify(budget) })
      .where("id", "=", binding)
      .execute();
  };
  if (budgets.month !== undefined) await setBinding({ month: budgets.month });
  if (budgets.workspace !== undefined)
    await db
      .updateTable("workspaces")
      .set({ budget: JSON.stringify(budgets.workspace) })
      .where("id", "=", workspace)
      .execute();
  const { id } = await db
    .insertInto("runs")
    .values({
      workspace_id: workspace,
      work_item_id: await fixture.createItem(workspace),
      agent_user_id: fixture.agent,
      binding_id: binding,
      pool_id: fixture.pool,
      trigger_kind: "assignee",
      requested_by: fixture.person,
      status: "running",
      attempt: 1,
      grants: JSON.stringify({ ...GRANTS, budget: budgets.run ?? {} }),
      prompt: "",
      created_at_ms: Date.now(),
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  return {
    id,
    workspace,
    binding,
    setBinding,
    read: () => db.selectFrom("runs").selectAll().where("id", "=", id).executeTakeFirstOrThrow(),
  };
}

export function usageRow(runId: number, tokens: number): NewRow<"run_usage"> {
  return {
    run_id: runId,
    attempt: 1,
    model: "scripted",
    input_tokens: tokens,
    output_tokens: 0,
    status: 200,
    duration_ms: 1,
    created_at_ms: Date.now(),
  };
}

/** What stands in the database: budgets of a run (workspace, binding, run), holds, and the ledger's sum of its workspace. */
export async function readSums(database: Database, run: BudgetRun) {
  const db = database.kysely;
  const all = await db.selectFrom("budget_use").selectAll().execute();
  const pick = (scope: string, id: number) => all.filter((use) => use.scope === scope && use.scope_id === id);
  const ledger = await db
    .selectFrom("run_usage")
    .innerJoin("runs", "runs.id", "run_usage.run_id")
    .select(["input_tokens", "output_tokens"])
    .where("workspace_id", "=", run.workspace)
    .execute();
  return {
    uses: [...pick("workspace", run.workspace), ...pick("binding", run.binding), ...pick("run", run.id)],
    holds: await db.selectFrom("budget_holds").selectAll().execute(),
    ledger: ledger.reduce((sum, row) => sum + (row.input_tokens ?? 0) + (row.output_tokens ?? 0), 0),
  };
}
