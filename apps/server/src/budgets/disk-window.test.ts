import { afterEach, beforeEach, expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import type { Database } from "../db/database.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { type BudgetRun, startBudgetRun, usageRow } from "./budget.fixture.ts";
import { BudgetHolds, type BudgetReply } from "./budget-holds.ts";
import { UNFLUSHED_MS_MAX } from "./run-hold.ts";

const NEVER = new AbortController().signal;
let fixture: RunFixture;
let disk: ScriptedDisk;
let holds: BudgetHolds;
let run: BudgetRun;
beforeEach(async () => {
  fixture = await createRunFixture();
  disk = new ScriptedDisk();
  holds = new BudgetHolds(disk.under(fixture.database), { error: () => {} });
  run = await startBudgetRun(fixture, { run: { tokens_max: 1_000_000, cost_micros_max: null } });
});
afterEach(async () => {
  disk.there();
  await holds.close();
  await fixture.close();
});

/** A disk that has what was committed when the test says so, and lags by as much as the test says. */
class ScriptedDisk {
  lag = 0;
  asked = 0;
  private readonly waits: PromiseWithResolvers<void>[] = [];

  under(database: Database): Database {
    return {
      ...database,
      followedTransaction: async (work) => {
        const { result } = await database.followedTransaction(work);
        const wait = Promise.withResolvers<void>();
        wait.promise.catch(() => {});
        this.waits.push(wait);
        this.asked++;
        return { result, disk: { done: wait.promise, lagMs: () => this.lag } };
      },
    };
  }

  there(): void {
    this.lag = 0;
    for (const wait of this.waits.splice(0)) wait.resolve();
  }

  fail(): void {
    this.lag = Number.POSITIVE_INFINITY;
    for (const wait of this.waits.splice(0)) wait.reject(new Error("EIO"));
  }
}

const reserve = (id = run.id) =>
  holds.reserve({ runId: id, attempt: 1, need: { tokens: 1_000, cost: 0 }, priced: true, ended: NEVER });

/** What it came to, once everything that does not wait for the disk has happened. */
async function soon(asked: Promise<BudgetReply>): Promise<string> {
  let state = "waits";
  asked.then(
    ({ kind }) => {
      state = kind;
    },
    (error: Error) => {
      state = error.message;
    },
  );
  // On either engine: a whole further transaction, and the turns of the loop that a batch of holds takes.
  await holds.flush();
  for (let turn = 0; turn < 20; turn++) {
    await fixture.database.kysely.selectFrom("budget_holds").select("id").execute();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return state;
}

test("a call leaves when what is set aside for it is committed, and the disk has its time", async () => {
  expect((await reserve()).kind).toBe("granted");
  disk.lag = UNFLUSHED_MS_MAX;
  expect((await reserve()).kind).toBe("granted");
});

test("past the window no call leaves, neither from what is set aside nor with something new, until the disk has it", async () => {
  const other = await startBudgetRun(fixture, { run: { tokens_max: 1_000_000, cost_micros_max: null } });
  await reserve();
  disk.lag = UNFLUSHED_MS_MAX + 1;
  const [drawing, fresh] = [reserve(), reserve(other.id)];
  expect(await Promise.all([soon(drawing), soon(fresh)])).toEqual(["waits", "waits"]);
  disk.there();
  expect([(await drawing).kind, (await fresh).kind]).toEqual(["granted", "granted"]);
});

test("what the disk has may be drawn on however slow it is for others", async () => {
  const other = await startBudgetRun(fixture, { run: { tokens_max: 1_000_000, cost_micros_max: null } });
  await reserve();
  disk.there();
  await reserve(other.id);
  disk.lag = UNFLUSHED_MS_MAX + 1;
  expect((await reserve()).kind).toBe("granted");
  const late = reserve(other.id);
  expect(await soon(late)).toBe("waits");
  disk.there();
  expect((await late).kind).toBe("granted");
});

test("what is asked ahead of calls is drawn on when the disk has it, and does not keep those waiting that draw on the rest", async () => {
  // A pace at which what is left would not do for half a second.
  for (let at = 0; at < 3; at++) {
    const reply = await reserve();
    if (reply.kind !== "granted") throw new Error(reply.kind);
    disk.there();
    holds.record(usageRow(run.id, 1_000));
    reply.settle({ tokens: 1_000, cost: 0 });
  }
  disk.lag = UNFLUSHED_MS_MAX + 1;
  const before = disk.asked;
  await holds.flush();
  await eventually("more is asked ahead", () => disk.asked > before);
  expect(await soon(reserve())).toBe("granted");
});

test("once the disk failed no call draws on what it did not take, and the refusal says what is wrong", async () => {
  await reserve();
  disk.fail();
  await expect(reserve()).rejects.toThrow("cannot be written down at the moment");
});

test("a database that cannot write what is set aside refuses the call in words for people, and lets the next one through when it can", async () => {
  const { database } = fixture;
  let broken = true;
  const failing: Database = {
    ...database,
    followedTransaction: (work) =>
      broken
        ? Promise.reject(new Error("the disk I/O failed at /var/db"))
        : database.followedTransaction(work),
  };
  const own = new BudgetHolds(failing, { error: () => {} });
  const call = { runId: run.id, attempt: 1, need: { tokens: 1, cost: 0 }, priced: true, ended: NEVER };
  await expect(own.reserve(call)).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("cannot be written down at the moment"),
  });
  broken = false;
  expect((await own.reserve(call)).kind).toBe("granted");
  await own.close();
});
