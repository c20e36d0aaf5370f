import { afterEach, beforeEach, expect, test } from "bun:test";
import { AttemptResult } from "@windshift/contract/job.ts";
import { readSums, startBudgetRun } from "../budgets/budget.fixture.ts";
import { monthOf } from "../budgets/budget-month.ts";
import type { BudgetShort } from "../budgets/budget-short.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { sqlitePlan } from "../testing/sqlite-plan.ts";
import { decideEnding } from "./run.ts";
import { raiseRunBudget, resumeAfterRaise, resumeWhereRoom } from "./run-budget.ts";
import { listNextWaiting } from "./run-budget-store.ts";
import { cancelRun } from "./run-cancel.ts";
import { steerRun } from "./run-steer.ts";
import { getRun } from "./run-store.ts";

const MONTH = monthOf(Date.now());
let fixture: RunFixture;
beforeEach(async () => {
  fixture = await createRunFixture();
});
afterEach(() => fixture.close());

const failed = (reason: string) =>
  AttemptResult.parse({
    attempt: 2,
    isolation: "container",
    outcome: null,
    summary: "",
    failure: { reason, detail: "the agent said so" },
    base_oid: null,
    head_oid: null,
    exit_code: 1,
  });
const short = (more: Partial<BudgetShort> = {}): BudgetShort => ({
  scope: "run",
  scope_id: 1,
  period: "",
  measure: "tokens",
  used: 900,
  limit: 1_000,
  needed: 500,
  attempt: 2,
  ...more,
});

/** A run that waits; 900 tokens are spent in all its budgets. */
async function startWaiting(budgets: Parameters<typeof startBudgetRun>[1], lacks: Partial<BudgetShort>) {
  const run = await startBudgetRun(fixture, budgets);
  const db = fixture.database.kysely;
  const budget_short = JSON.stringify(short({ attempt: 1, scope_id: run.id, ...lacks }));
  await db
    .updateTable("runs")
    .set({ status: "waiting", reason: "budget", budget_short })
    .where("id", "=", run.id)
    .execute();
  const uses = [
    { scope: "workspace", scope_id: run.workspace, period: MONTH },
    { scope: "binding", scope_id: run.binding, period: MONTH },
    { scope: "run", scope_id: run.id, period: "" },
  ];
  for (const use of uses)
    await db
      .insertInto("budget_use")
      .values({ ...use, tokens: 900 })
      .execute();
  return run;
}
const statusOf = async (id: number) => (await getRun(fixture.database.kysely, id)).status;

test("a run waits for its budget only when the broker refused its last attempt, whatever its agent says", () => {
  expect(decideEnding(failed("budget"), 1, false, short())).toMatchObject({
    status: "waiting",
    reason: "budget",
    detail: expect.stringContaining("900 tokens of 1,000 tokens are used"),
  });
  expect(decideEnding(failed("agent_failed"), 1, false, short()).status).toBe("waiting");
  expect(decideEnding(failed("budget"), 1, false, null)).toMatchObject({
    status: "failed",
    reason: "budget",
  });
  expect(decideEnding(failed("budget"), 1, false, short({ attempt: 1 })).status).toBe("failed");
  expect(decideEnding(failed("oom"), 1, false, short()).status).toBe("failed");
  expect(decideEnding(failed("budget"), 1, true, short()).status).toBe("canceled");
});

test("a message to a run that waits for its budget is kept and does not wake it; cancel ends it", async () => {
  const run = await startWaiting({ run: { tokens_max: 1_000 } }, {});
  const { id } = await getRun(fixture.database.kysely, run.id);
  await steerRun(fixture.database, id, fixture.person, "Go on!");
  expect(await statusOf(id)).toBe("waiting");
  await cancelRun(fixture.database, id, fixture.person, false, { llmModel: undefined });
  expect(await statusOf(id)).toBe("canceled");
  await expect(raiseRunBudget(fixture.database, id, { tokens: 9_000 }, fixture.person)).rejects.toThrow(
    "has ended already",
  );
});

test("what is added is too little, or enough; too little adds nothing", async () => {
  const run = await startWaiting({ run: { tokens_max: 1_000 } }, {});
  const { id } = await getRun(fixture.database.kysely, run.id);
  const add = (tokens: number) => raiseRunBudget(fixture.database, id, { tokens }, fixture.person);
  await expect(add(399)).rejects.toThrow("add 1 tokens more");
  expect((await run.read()).budget_tokens_added).toBe(0);
  await add(400);
  expect(await run.read()).toMatchObject({ status: "queued", budget_tokens_added: 400, budget_short: null });
  const money = raiseRunBudget(fixture.database, id, { cost_micros: 5 }, fixture.person);
  await expect(money).rejects.toThrow("cost_micros: run");
});

test("a run that waits for a month goes on when that is raised, not when another budget is", async () => {
  const lacks = { scope: "binding", period: MONTH } as const;
  const run = await startWaiting({ run: { tokens_max: 5_000 }, month: { tokens_max: 1_000 } }, lacks);
  const { id } = await getRun(fixture.database.kysely, run.id);
  await expect(raiseRunBudget(fixture.database, id, { tokens: 9_000 }, fixture.person)).rejects.toThrow(
    `raise the month's budget of binding ${run.binding}`,
  );
  await resumeAfterRaise(fixture.database, { scope: "binding", id: run.binding });
  await resumeWhereRoom(fixture.database, 0);
  expect(await statusOf(id)).toBe("waiting");
  await run.setBinding({ month: { tokens_max: 1_400 } });
  await resumeAfterRaise(fixture.database, { scope: "workspace", id: run.workspace + 1 });
  expect(await statusOf(id)).toBe("waiting");
  await resumeAfterRaise(fixture.database, { scope: "binding", id: run.binding });
  expect(await statusOf(id)).toBe("queued");
});

test("a run that waited for last month goes on in this one", async () => {
  const lacks = { scope: "binding", period: "2026-01" } as const;
  const run = await startWaiting({ month: { tokens_max: 1_400 } }, lacks);
  await resumeWhereRoom(fixture.database, 0);
  expect(await statusOf(run.id)).toBe("queued");
  expect((await readSums(fixture.database, run)).uses).toHaveLength(3);
});

test("a run whose budget was raised before it was seen to wait goes on, and one without room does not", async () => {
  const lacks = { scope: "binding", period: MONTH } as const;
  const run = await startWaiting({ month: { tokens_max: 1_000 } }, lacks);
  const status = (value: string) =>
    fixture.database.kysely.updateTable("runs").set({ status: value }).where("id", "=", run.id).execute();
  // Its call was refused, and its attempt is still ending.
  await status("running");
  await run.setBinding({ month: { tokens_max: 1_400 } });
  await resumeAfterRaise(fixture.database, { scope: "binding", id: run.binding });
  await status("waiting");
  await run.setBinding({ month: { tokens_max: 1_399 } });
  expect(await resumeWhereRoom(fixture.database, 0)).toBe(0);
  expect(await statusOf(run.id)).toBe("waiting");
  await run.setBinding({ month: { tokens_max: 1_400 } });
  await resumeWhereRoom(fixture.database, 0);
  expect(await run.read()).toMatchObject({ status: "queued", budget_short: null });
});

test("a run that only what other calls had set aside stood in the way of goes on when that came back", async () => {
  const run = await startWaiting({ workspace: { tokens_max: 1_500 } }, { scope: "workspace", period: MONTH });
  const hold = (tokens: number) =>
    fixture.database.kysely
      .updateTable("budget_use")
      .set({ held_tokens: tokens })
      .where("scope", "=", "workspace")
      .execute();
  await hold(200);
  await resumeWhereRoom(fixture.database, 0);
  expect(await statusOf(run.id)).toBe("waiting");
  await hold(100);
  await resumeWhereRoom(fixture.database, 0);
  expect(await statusOf(run.id)).toBe("queued");
});

test("runs that wait are found among those that have not ended, not in all there ever were", async () => {
  const { database } = fixture;
  // PostgreSQL sees by itself that an index holds all of them, and goes through a small table all the same.
  if (database.engine === "postgres") return;
  const plan = await sqlitePlan(database, ({ kysely }) => listNextWaiting(kysely, 0, 50));
  expect(plan).toMatch(/INDEX runs_(open|active|unended)/);
});
