import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { insertUsage } from "../budgets/usage-rows.ts";
import { insertRun } from "../runs/run-store.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { archiveLedger, type Ledger } from "./ledger-archive.ts";

/** A database of its own; a loaded machine takes long for it, ms. */
setDefaultTimeout(60_000);

let fixture: RunFixture;
let run: number;
let folder: string;
beforeAll(async () => {
  fixture = await createRunFixture();
  const [workspace = 0] = fixture.workspaces;
  run = await insertRun(fixture.database.kysely, {
    workspace_id: workspace,
    work_item_id: await fixture.createItem(workspace),
    agent_user_id: fixture.agent,
    pool_id: fixture.pool,
    trigger_kind: "assignee",
    requested_by: fixture.person,
    status: "succeeded",
    grants: "null",
    prompt: "",
    created_at_ms: 1,
    ended_at_ms: 2,
  });
});
beforeEach(() => {
  folder = tempDir().path;
});
afterAll(() => fixture.close());

/** More than is removed at once; every one is a second later than the one before. */
const ROWS = 1_300;
const timeOf = (n: number) => n * 1_000;

async function fill(ledger: Ledger): Promise<void> {
  const db = fixture.database.kysely;
  for (let at = 1; at <= ROWS; at += 100) {
    const some = Array.from({ length: Math.min(100, ROWS - at + 1) }, (_, i) => at + i);
    if (ledger === "audit")
      await db
        .insertInto("audit_log")
        .values(
          some.map((n) => ({
            at_ms: timeOf(n),
            workspace_id: null,
            actor: "system",
            action: "test.done",
            subject: `thing ${n}`,
            data: "{}",
          })),
        )
        .execute();
    else
      await insertUsage(
        fixture.database.engine,
        db,
        some.map((n) => ({
          run_id: run,
          attempt: 1,
          connection_id: null,
          model: `model ${n}`,
          input_tokens: 1,
          cached_input_tokens: null,
          output_tokens: 1,
          cost_micros: null,
          estimated: 0,
          status: 200,
          duration_ms: 1,
          created_at_ms: timeOf(n),
        })),
      );
  }
}

async function rowsIn(ledger: Ledger): Promise<string[]> {
  const db = fixture.database.kysely;
  if (ledger === "usage")
    return (await db.selectFrom("run_usage").select("model").orderBy("id").execute()).map(
      ({ model }) => model,
    );
  const rows = await db.selectFrom("audit_log").select(["subject", "action"]).orderBy("id").execute();
  return rows.map(({ subject, action }) => `${action} ${subject}`);
}

async function archived(): Promise<Record<string, unknown>[]> {
  const files = (await readdir(folder, { recursive: true }))
    .filter((name) => name.endsWith(".gz"))
    .toSorted();
  const rows: Record<string, unknown>[] = [];
  for (const file of files) {
    const text = Buffer.from(Bun.gunzipSync(await Bun.file(join(folder, file)).bytes())).toString();
    rows.push(
      ...text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    );
  }
  return rows;
}

test("calls of models from before a time move to files, in their order, and the others stay", async () => {
  await fill("usage");
  const old = timeOf(1_201);
  const counts: number[] = [];
  for (let moved = -1; moved !== 0; counts.push(moved))
    moved = await archiveLedger(fixture.database, folder, "usage", old, 700);
  expect(counts).toEqual([700, 500, 0]);
  expect(await rowsIn("usage")).toEqual(Array.from({ length: 100 }, (_, i) => `model ${1_201 + i}`));
  expect((await archived()).map(({ model }) => model)).toEqual(
    Array.from({ length: 1_200 }, (_, i) => `model ${i + 1}`),
  );
});

test("lines of the audit log move to a file; the log says so, and loses no line that is younger", async () => {
  await fill("audit");
  const db = fixture.database.kysely;
  const refused = (before: number) =>
    db
      .deleteFrom("audit_log")
      .where("at_ms", "<", before)
      .execute()
      .then(
        () => "nothing",
        (error: Error) => error.message,
      );
  expect(await refused(timeOf(2))).toContain("the audit log is only added to");
  expect(await archiveLedger(fixture.database, folder, "audit", timeOf(1_201))).toBe(1_200);
  const left = await rowsIn("audit");
  expect(left.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, i) => `test.done thing ${1_201 + i}`));
  expect(left.slice(100)).toEqual([`audit.shortened lines before ${new Date(timeOf(1_201)).toISOString()}`]);
  expect((await archived()).map(({ subject }) => subject)).toEqual(
    Array.from({ length: 1_200 }, (_, i) => `thing ${i + 1}`),
  );
  expect(await refused(timeOf(1_202))).toContain("the audit log is only added to");
  const update = db.updateTable("audit_log").set({ subject: "x" }).execute();
  expect(await update.then(String, (error: Error) => error.message)).toContain("only added to");
  expect(await rowsIn("audit")).toEqual(left);
});
