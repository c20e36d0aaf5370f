import { afterEach, beforeEach, expect, test } from "bun:test";
import { dbNowMs } from "../db/database.ts";
import { createRun } from "../runs/run-create.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { removeSilentRunners, SILENT_RUNNER_MS_MAX } from "./silent-runners.ts";

const HOUR_MS = 3_600_000;
let fix: RunFixture;
beforeEach(async () => {
  fix = await createRunFixture();
});
afterEach(() => fix.close());

async function addHost(name: string, silentMs: number): Promise<number> {
  const { id } = await fix.database.kysely
    .insertInto("runners")
    .values((eb) => ({
      pool_id: fix.pool,
      name,
      kind: "host",
      instance: name,
      boot: "",
      last_seen_at_ms: eb(dbNowMs(fix.database.engine), "-", silentMs),
    }))
    .returning("id")
    .executeTakeFirstOrThrow();
  await fix.database.kysely
    .insertInto("runner_credentials")
    .values({ runner_id: id, token_hash: name, created_at_ms: 0, first_used_at_ms: 0, expires_at_ms: null })
    .execute();
  return id;
}

async function giveRun(runner: number): Promise<number> {
  const { database, agent: agentUserId, person: requestedBy } = fix;
  const workspaceId = fix.workspaces[0] as number;
  const workItemId = await fix.createItem(workspaceId);
  const wanted = { workspaceId, workItemId, agentUserId, requestedBy, trigger: "assignee" } as const;
  const run = await database.transaction((tx) => createRun(database, tx, wanted, { llmModel: undefined }));
  await database.kysely.updateTable("runs").set({ runner_id: runner }).where("id", "=", run).execute();
  return run;
}

const names = async () =>
  (await fix.database.kysely.selectFrom("runners").select("name").orderBy("name").execute()).map(
    ({ name }) => name,
  );

test("hosts that are silent for long are deleted with their credentials, once, and the audit log names them", async () => {
  const gone = await addHost("gone", SILENT_RUNNER_MS_MAX + HOUR_MS);
  await addHost("late", SILENT_RUNNER_MS_MAX - HOUR_MS);
  const done = await Promise.all([removeSilentRunners(fix.database), removeSilentRunners(fix.database)]);
  expect(done.sort()).toEqual([0, 1]);
  expect(await names()).toEqual(["late", "test"]);
  const credentials = await fix.database.kysely
    .selectFrom("runner_credentials")
    .select("token_hash")
    .execute();
  expect(credentials).toEqual([{ token_hash: "late" }]);
  const lines = await fix.database.kysely
    .selectFrom("audit_log")
    .select(["actor", "action", "subject", "data"])
    .execute();
  expect(lines).toMatchObject([{ actor: "system", action: "runner.deleted", subject: `runner ${gone}` }]);
  expect(JSON.parse(lines[0]?.data ?? "")).toMatchObject({ name: "gone", reason: "silent" });
});

test("a host that has joined and was not heard of yet stays; one that never was for two weeks goes", async () => {
  const fresh = await addHost("fresh", 0);
  const never = await addHost("never", 0);
  const now = dbNowMs(fix.database.engine);
  for (const [id, agoMs] of [
    [fresh, HOUR_MS],
    [never, SILENT_RUNNER_MS_MAX + HOUR_MS],
  ] as const)
    await fix.database.kysely
      .updateTable("runners")
      .set((eb) => ({ last_seen_at_ms: 0, created_at_ms: eb(now, "-", agoMs) }))
      .where("id", "=", id)
      .execute();
  expect(await removeSilentRunners(fix.database)).toBe(1);
  expect(await names()).toEqual(["fresh", "test"]);
});

test("a silent host that still has a run stays until that has ended, and the runner of a server stays", async () => {
  const run = await giveRun(await addHost("holds", 2 * SILENT_RUNNER_MS_MAX));
  await fix.database.kysely.updateTable("runners").set({ last_seen_at_ms: 0 }).execute();
  expect(await removeSilentRunners(fix.database)).toBe(0);
  expect(await names()).toEqual(["holds", "test"]);
  await fix.database.kysely.updateTable("runs").set({ runner_id: null }).where("id", "=", run).execute();
  expect(await removeSilentRunners(fix.database)).toBe(1);
  expect(await names()).toEqual(["test"]);
});
