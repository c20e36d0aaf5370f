import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { RunnerId } from "@windshift/contract/ids.ts";
import type { AttemptResult } from "@windshift/contract/job.ts";
import { BootId } from "@windshift/contract/runner.ts";
import { renewHeld, takeResult } from "../runners/host-attempt.ts";
import { enterSession } from "../runners/host-session.ts";
import { createRun } from "../runs/run-create.ts";
import { claimRuns } from "../runs/run-queue.ts";
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
    takeResult(database, DEFAULTS, host, STATE.boot, run, { ...RESULT, attempt: held(attempt).attempt });
  await expect(report(old)).rejects.toMatchObject({ code: "lease_lost" });
  await report(fresh);
});

const RESULT: Omit<AttemptResult, "attempt"> = {
  isolation: "container",
  outcome: "completed",
  summary: "",
  failure: null,
  base_oid: null,
  head_oid: null,
  exit_code: 0,
};

async function addHost() {
  const row = { pool_id: fix.pool, name: "host", kind: "host", instance: "host" };
  const { id } = await fix.database.kysely
    .insertInto("runners")
    .values({ ...row, boot: "", last_seen_at_ms: 0 })
    .returning("id")
    .executeTakeFirstOrThrow();
  return { id: RunnerId.parse(id), pool: fix.pool, name: row.name, instance: row.instance };
}
