import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { readSums, startBudgetRun } from "./budget.fixture.ts";
import { monthOf } from "./budget-month.ts";
import { expireHolds } from "./settle-store.ts";

setDefaultTimeout(60_000);
const PROGRAM = resolve(import.meta.dir, "../testing/budget-process.ts");

let fixture: RunFixture;
let started: Bun.Subprocess<"pipe", "pipe", "inherit">[];
beforeEach(async () => {
  fixture = await createRunFixture();
  started = [];
});
afterEach(async () => {
  for (const child of started) child.kill("SIGKILL");
  await fixture.close();
});

interface Plan {
  runs: number[];
  calls: number;
  need: number;
  used: number | "never";
  disk?: "stuck";
}

/** Several server processes on one database; resolves with what each said to its calls. They then hold what they hold. */
async function callFromProcesses(count: number, plan: Plan): Promise<string[]> {
  const { url = "-", sqliteFile } = fixture.address;
  const args = [plan.runs.join(","), plan.calls, plan.need, plan.used, plan.disk ?? ""].map(String);
  const children = Array.from({ length: count }, () =>
    Bun.spawn([process.execPath, PROGRAM, url, sqliteFile, ...args], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    }),
  );
  started.push(...children);
  const replies = await Promise.all(children.map((child) => firstLine(child.stdout)));
  return replies.flatMap((line) => JSON.parse(line) as string[]);
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += Buffer.from(chunk).toString();
    if (text.includes("\n")) break;
  }
  return text;
}

async function endInOrder(): Promise<void> {
  for (const child of started) {
    await child.stdin.end();
    expect(await child.exited).toBe(0);
  }
}

test("LB-08 lets one of 50 parallel calls of two processes through where the budget is for one", async () => {
  const run = await startBudgetRun(fixture, { run: { tokens_max: 1_500 } });
  const replies = await callFromProcesses(2, { runs: [run.id], calls: 25, need: 1_000, used: 900 });
  await endInOrder();
  expect(replies.filter((kind) => kind === "granted")).toHaveLength(1);
  expect(replies.filter((kind) => kind === "short")).toHaveLength(49);
  const { uses, holds, ledger } = await readSums(fixture.database, run);
  expect([ledger, holds]).toEqual([900, []]);
  expect(uses.map((use) => [use.tokens, use.held_tokens])).toEqual([
    [900, 0],
    [900, 0],
    [900, 0],
  ]);
  const short = JSON.parse((await run.read()).budget_short ?? "null");
  expect(short).toMatchObject({ scope: "run", measure: "tokens", limit: 1_500, needed: 1_000, attempt: 1 });
});

test("I8 spends no more than the tightest of three budgets, and refuses nothing that has room", async () => {
  const month = { tokens_max: 6_000 };
  const first = await startBudgetRun(fixture, { month, workspace: { tokens_max: 9_000 } });
  const second = await startBudgetRun(fixture, {});
  const runs = [first.id, second.id];
  const replies = await callFromProcesses(2, { runs, calls: 40, need: 300, used: 250 });
  await endInOrder();
  const granted = replies.filter((kind) => kind === "granted").length;
  const { uses, holds, ledger } = await readSums(fixture.database, first);
  const spent = uses.find((use) => use.scope === "binding");
  expect(spent).toMatchObject({ period: monthOf(Date.now()), tokens: granted * 250, held_tokens: 0 });
  expect([ledger, holds]).toEqual([granted * 250, []]);
  expect(spent?.tokens).toBeLessThanOrEqual(6_000);
  expect(spent?.tokens).toBeGreaterThan(6_000 - 300);
});

test("a process that is killed before the disk has what it set aside has lost none of it", async () => {
  if (fixture.database.engine === "postgres") return; // waits for the disk
  const run = await startBudgetRun(fixture, { run: { tokens_max: 100_000 } });
  const plan: Plan = { runs: [run.id], calls: 6, need: 1_000, used: "never", disk: "stuck" };
  expect(await callFromProcesses(1, plan)).toEqual(Array(6).fill("granted"));
  const [child] = started;
  child?.kill("SIGKILL");
  await child?.exited;
  const { uses } = await readSums(fixture.database, run);
  for (const { held_tokens } of uses) expect(held_tokens).toBeGreaterThanOrEqual(6_000);
  expect(uses).toHaveLength(3);
});

test("I8 counts what a killed process had set aside as spent, and says so on the usage", async () => {
  const run = await startBudgetRun(fixture, { run: { tokens_max: 1_500 } });
  const before = await callFromProcesses(1, { runs: [run.id], calls: 1, need: 1_000, used: "never" });
  expect(before).toEqual(["granted"]);
  const [child] = started;
  child?.kill("SIGKILL");
  await child?.exited;
  // Its provider may be at work: nobody may spend that a second time.
  const held = await readSums(fixture.database, run);
  expect(held.uses.map((use) => use.held_tokens)).toEqual([1_000, 1_000, 1_000]);
  expect(await expireHolds(fixture.database)).toBe(0);

  await fixture.database.kysely.updateTable("budget_holds").set({ expires_at_ms: 1 }).execute();
  expect(await expireHolds(fixture.database)).toBe(1);
  expect(await expireHolds(fixture.database)).toBe(0);
  const { uses, holds, ledger } = await readSums(fixture.database, run);
  expect(uses.map((use) => [use.tokens, use.held_tokens])).toEqual([
    [1_000, 0],
    [1_000, 0],
    [1_000, 0],
  ]);
  expect([ledger, holds]).toEqual([1_000, []]);
  const rows = await fixture.database.kysely.selectFrom("run_usage").selectAll().execute();
  expect(rows).toMatchObject([{ run_id: run.id, estimated: 1, status: 0, input_tokens: 1_000 }]);
  started = [];
  const after = await callFromProcesses(1, { runs: [run.id], calls: 2, need: 400, used: 100 });
  expect(after).toEqual(["granted", "granted"]);
});
