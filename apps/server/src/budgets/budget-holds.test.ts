import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { readSums, startBudgetRun, USED, usageRow } from "./budget.fixture.ts";
import { BudgetHolds } from "./budget-holds.ts";

const NEVER = new AbortController().signal;
let fixture: RunFixture;
let made: BudgetHolds[];
beforeEach(async () => {
  fixture = await createRunFixture();
  made = [];
});
afterEach(async () => {
  for (const holds of made) await holds.close();
  await fixture.close();
});

/** A server process, as far as budgets are concerned. */
function startHolds(): BudgetHolds {
  const holds = new BudgetHolds(fixture.database, { error: () => {} });
  made.push(holds);
  return holds;
}
const call = (runId: number, tokens: number, cost = 0) => ({
  runId,
  attempt: 1,
  need: { tokens, cost },
  priced: true,
  ended: NEVER,
});

describe("reserving", () => {
  test("holds once for many calls, and gives the rest back when the attempt ends", async () => {
    const run = await startBudgetRun(fixture, { run: { tokens_max: 1_000_000, cost_micros_max: null } });
    const holds = startHolds();
    const ended = new AbortController();
    for (let n = 0; n < 4; n++) {
      const reply = await holds.reserve({ ...call(run.id, 1_000), ended: ended.signal });
      if (reply.kind !== "granted") throw new Error(reply.kind);
      holds.record(usageRow(run.id, USED));
      reply.settle({ tokens: USED, cost: 0 });
    }
    await holds.flush();
    const held = await readSums(fixture.database, run);
    expect(held.holds.map(({ tokens }) => tokens)).toEqual([4_000 - 4 * USED]);
    ended.abort();
    await eventually("the rest is given back", async () => {
      const { uses, holds: rows } = await readSums(fixture.database, run);
      return rows.length === 0 && uses.every((use) => use.held_tokens === 0 && use.tokens === 4 * USED);
    });
  });

  test("what is little stays for the run's next call, and is given back at once when another server's call needs it", async () => {
    const run = await startBudgetRun(fixture, { run: { tokens_max: 1_000_000, cost_micros_max: null } });
    const [first, second] = [startHolds(), startHolds()];
    const reply = await first.reserve(call(run.id, 1_000));
    if (reply.kind !== "granted") throw new Error(reply.kind);
    reply.settle({ tokens: USED, cost: 0 });
    await first.flush();
    expect((await readSums(fixture.database, run)).holds.map(({ tokens }) => tokens)).toEqual([4_000 - USED]);
    // Without a word it would stay for longer than a call waits.
    expect((await second.reserve(call(run.id, 1_000_000 - USED))).kind).toBe("granted");
    expect((await second.reserve(call(run.id, 1))).kind).toBe("short");
  }, 20_000);

  test("counts a call that cost more than was set aside in full", async () => {
    const run = await startBudgetRun(fixture, { run: { tokens_max: 2_000, cost_micros_max: null } });
    const holds = startHolds();
    const reply = await holds.reserve(call(run.id, 1_000));
    if (reply.kind !== "granted") throw new Error(reply.kind);
    reply.settle({ tokens: 1_700, cost: 0 });
    holds.record(usageRow(run.id, 1_700));
    expect((await holds.reserve(call(run.id, 1_000))).kind).toBe("short");
    await holds.close();
    expect((await readSums(fixture.database, run)).uses.map((use) => [use.tokens, use.held_tokens])).toEqual([
      [1_700, 0],
      [1_700, 0],
      [1_700, 0],
    ]);
  });

  test("refuses a model without a price where money is counted, and only there", async () => {
    const money = await startBudgetRun(fixture, { run: { tokens_max: null, cost_micros_max: 5_000 } });
    const holds = startHolds();
    expect((await holds.reserve({ ...call(money.id, 10), priced: false })).kind).toBe("unpriced");
    expect((await holds.reserve(call(money.id, 10, 5_000))).kind).toBe("granted");
    const tokens = await startBudgetRun(fixture, { run: { tokens_max: 100, cost_micros_max: null } });
    expect((await holds.reserve({ ...call(tokens.id, 10), priced: false })).kind).toBe("granted");
  });

  test("goes by a month's budget that was set or raised since", async () => {
    const run = await startBudgetRun(fixture, { month: { tokens_max: 1_000, cost_micros_max: null } });
    const holds = startHolds();
    const used = await holds.reserve(call(run.id, 1_000));
    if (used.kind !== "granted") throw new Error(used.kind);
    used.settle({ tokens: 1_000, cost: 0 });
    const refused = await holds.reserve(call(run.id, 500));
    expect(refused).toMatchObject({ kind: "short", short: { scope: "binding", used: 1_000, limit: 1_000 } });
    await run.setBinding({ month: { tokens_max: 1_500, cost_micros_max: null } });
    expect((await holds.reserve(call(run.id, 500))).kind).toBe("granted");
    expect((await run.read()).budget_short).toBeNull();
  });
});
