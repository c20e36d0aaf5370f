import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { RunnerId } from "@windshift/contract/ids.ts";
import type { AttemptResult } from "@windshift/contract/job.ts";
import { BootId } from "@windshift/contract/runner.ts";
import { renewHeld, takeResult } from "../runners/host-attempt.ts";
import { enterSession } from "../runners/host-session.ts";
import { Run } from "../runs/run.ts";
import { createRun } from "../runs/run-create.ts";
import { readFlags } from "../runs/run-flag-view.ts";
import { claimRuns } from "../runs/run-queue.ts";
import { insertRun } from "../runs/run-store.ts";
import { COMPLETED_RESULT } from "../testing/completed-result.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { voidRestored } from "./void-restored.ts";

setDefaultTimeout(60_000);
const DEFAULTS = { llmModel: undefined };
const STATE = {
  boot: BootId.parse("0".repeat(32)),
  version: "0.1.0",
  capacity: 2,
  labels: [],
  draining: false,
};
let fix: RunFixture;
beforeEach(async () => {
  fix = await createRunFixture();
});
afterEach(() => fix.close());

test("F45 what a runner holds since after the backup is no longer its own, even if it is given the run again", async () => {
  const { database, pool } = fix;
  const host = await addHost();
  const workspaceId = fix.workspaces[0] as number;
  const request = {
    workspaceId,
    agentUserId: fix.agent,
    requestedBy: fix.person,
    trigger: "assignee",
  } as const;
  const workItemId = await fix.createItem(workspaceId);
  const run = await database.transaction((tx) =>
    createRun(database, tx, { ...request, workItemId }, DEFAULTS),
  );
  const claim = async (key: string) => {
    const by = { runner: host.id, isolation: "container" as const };
    const claimer = { ...by, host: { boot: STATE.boot, key, capacity: 2, labels: [] } };
    const [reply] = await claimRuns(database, pool, [claimer], async (_, claims) =>
      claims.map(({ run: claimed }) => ({ value: claimed.attempt, prompt: null })),
    );
    return reply?.kind === "claimed" ? reply.value : undefined;
  };
  await enterSession(database, DEFAULTS, host, STATE);
  const before = await database.kysely.selectFrom("runs").selectAll().execute();
  const old = await claim("a".repeat(32));
  // As the backup has it, which was made before the claim.
  for (const { id, ...row } of before)
    await database.kysely.updateTable("runs").set(row).where("id", "=", id).execute();
  await voidRestored(database, "keep");

  const held = (attempt: typeof old) => ({ run, attempt: attempt as AttemptResult["attempt"] });
  const fresh = await claim("b".repeat(32));
  expect(fresh).not.toBe(old);
  const { abort } = await renewHeld(database, host, { ...STATE, held: [held(old), held(fresh)] });
  expect(abort).toEqual([held(old)]);
  const report = (attempt: typeof old) =>
    takeResult(database, DEFAULTS, host, STATE.boot, run, {
      ...COMPLETED_RESULT,
      attempt: held(attempt).attempt,
    });
  await expect(report(old)).rejects.toMatchObject({ code: "lease_lost" });
  await report(fresh);
});

test("a restore leaves a run whose branch was pushed its attempt, and lists of runs can be read behind it", async () => {
  const { database } = fix;
  const db = database.kysely;
  const workspaceId = fix.workspaces[0] as number;
  const of = {
    workspace_id: workspaceId,
    agent_user_id: fix.agent,
    pool_id: fix.pool,
    requested_by: fix.person,
  };
  const running = {
    trigger_kind: "assignee",
    status: "running",
    phase: "agent",
    grants: "null",
    prompt: "",
  } as const;
  const rows = await Promise.all(
    Array.from({ length: 40 }, async (_, at) => ({
      ...of,
      ...running,
      work_item_id: await fix.createItem(workspaceId),
      attempt: 2,
      lease_expires_at_ms: 1,
      pushed_oid: at === 0 ? "a".repeat(40) : null,
      created_at_ms: 1,
    })),
  );
  const ids: number[] = [];
  for (const row of rows) ids.push(await insertRun(db, row));
  await voidRestored(database, "void");
  const runs = (await db.selectFrom("runs").selectAll().where("id", "in", ids).orderBy("id").execute()).map(
    (row) => Run.parse(row),
  );
  expect(runs.map(({ attempt }) => attempt)).toEqual([2, ...Array(39).fill(102)]);
  const event = {
    run_id: ids[1] as number,
    attempt: 102,
    seq: -1,
    type: "review_flagged",
    at: "",
    data: "{}",
  };
  await db
    .insertInto("run_events")
    .values({ ...event, stored_at_ms: 1 })
    .execute();
  const flagsOf = await readFlags(db, runs);
  expect(runs.map((run) => flagsOf(run).length)).toEqual([0, 1, ...Array(38).fill(0)]);
});

async function addHost() {
  const row = { pool_id: fix.pool, name: "host", kind: "host", instance: "host" };
  const { id } = await fix.database.kysely
    .insertInto("runners")
    .values({ ...row, boot: "", last_seen_at_ms: 0 })
    .returning("id")
    .executeTakeFirstOrThrow();
  return { id: RunnerId.parse(id), pool: fix.pool, name: row.name, instance: row.instance };
}
