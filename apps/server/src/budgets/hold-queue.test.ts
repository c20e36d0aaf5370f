import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { Database } from "../db/database.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { type BudgetRun, readSums, startBudgetRun } from "./budget.fixture.ts";
import { monthOf } from "./budget-month.ts";
import { HoldQueue } from "./hold-queue.ts";
import type { HoldAsk } from "./hold-store.ts";

let fixture: RunFixture;
beforeEach(async () => {
  fixture = await createRunFixture();
});
afterEach(() => fixture.close());

/** The database of the fixture, with the number of transactions on it. */
function counted(): { database: Database; transactions(): number } {
  let count = 0;
  const { database } = fixture;
  const followedTransaction: Database["followedTransaction"] = (work) => {
    count++;
    return database.followedTransaction(work);
  };
  return { database: { ...database, followedTransaction }, transactions: () => count };
}

function ask(runId: number, tokens: number, attempt = 1): HoldAsk {
  const period = monthOf(Date.now());
  return {
    hold: { id: randomUUID(), runId, attempt, holder: "test", period, isNew: true },
    need: { tokens, cost: 0 },
    wish: { tokens, cost: 0 },
    keep: "lasting",
  };
}

async function held(run: BudgetRun): Promise<number[]> {
  return (await readSums(fixture.database, run)).uses.map((use) => use.held_tokens);
}

test("fills the holds of many runs that ask at once in one transaction", async () => {
  const runs = [];
  for (let n = 0; n < 12; n++) runs.push(await startBudgetRun(fixture, {}));
  const { database, transactions } = counted();
  const queue = new HoldQueue(database);
  const replies = await Promise.all(runs.map(({ id }, at) => queue.fill(ask(id, 100 + at))));
  expect(replies.map((reply) => reply.kind === "held" && reply.amount.tokens)).toEqual(
    runs.map((_, at) => 100 + at),
  );
  expect(transactions()).toBe(1);
  const all = 12 * 100 + 66;
  expect(await held(runs[3] as BudgetRun)).toEqual([all, all, 103]);
});

test("what is asked for while a transaction is under way shares the next one", async () => {
  const run = await startBudgetRun(fixture, {});
  const { database, transactions } = counted();
  const queue = new HoldQueue(database);
  const begun = Promise.withResolvers<void>();
  const first = new HoldQueue({
    ...database,
    followedTransaction: (work) => {
      begun.resolve();
      return database.followedTransaction(work);
    },
  });
  const alone = first.fill(ask(run.id, 1, 1));
  await begun.promise;
  const rest = [2, 3, 4, 5].map((attempt) => first.fill(ask(run.id, 1, attempt)));
  await Promise.all([alone, ...rest]);
  expect(transactions()).toBe(2);
  expect((await queue.fill(ask(run.id, 1, 6))).kind).toBe("held");
  expect(await held(run)).toEqual([6, 6, 6]);
});

test("of those that ask at once no more get room than there is, the first ones first", async () => {
  const first = await startBudgetRun(fixture, { month: { tokens_max: 1_000 } });
  const second = await startBudgetRun(fixture, {});
  const queue = new HoldQueue(fixture.database);
  const replies = await Promise.all([
    queue.fill(ask(first.id, 600)),
    queue.fill(ask(second.id, 600)),
    queue.fill(ask(first.id, 400, 2)),
    queue.fill(ask(second.id, 1, 2)),
  ]);
  expect(replies.map(({ kind }) => kind)).toEqual(["held", "short", "held", "short"]);
  expect(replies[1]).toMatchObject({ passing: true, short: { scope: "binding", used: 600, needed: 600 } });
  expect(await held(first)).toEqual([1_000, 1_000, 1_000]);
  expect((await readSums(fixture.database, first)).holds.map(({ run_id }) => run_id)).toEqual([
    first.id,
    first.id,
  ]);
});

test("one that cannot be written fails alone, and those beside it are filled", async () => {
  const run = await startBudgetRun(fixture, {});
  const queue = new HoldQueue(fixture.database);
  const [good, gone, other] = await Promise.allSettled([
    queue.fill(ask(run.id, 5)),
    queue.fill(ask(999_999, 5)), // no such run
    queue.fill(ask(run.id, 5, 2)),
  ]);
  expect([good.status, gone.status, other.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await held(run)).toEqual([10, 10, 10]);
});
