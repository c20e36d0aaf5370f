import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { AppError, assert } from "@windshift/contract/app-error.ts";
import { Attempt, type RunId } from "@windshift/contract/ids.ts";
import type { AttemptResult } from "@windshift/contract/job.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { sql } from "kysely";
import type { Queries } from "../db/database.ts";
import { claimOne } from "../testing/claim-one.ts";
import { COMPLETED_RESULT } from "../testing/completed-result.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import type { Run } from "./run.ts";
import { endRun } from "./run-end.ts";
import { lockRun } from "./run-fence.ts";
import { addMessage } from "./run-messages.ts";
import { startPublishing } from "./run-publishing-store.ts";
import { republishRun } from "./run-republish.ts";
import { type TriggerResult, triggerRun } from "./run-triggers.ts";

/** Each test makes a database of its own; a loaded machine takes seconds for that alone. */
setDefaultTimeout(60_000);

const DEFAULTS = { llmModel: undefined };
const FAILED = { status: "failed", reason: "publish_failed", detail: "x" } as const;
let fix: RunFixture;
let item: number;
let run: RunId;

/** A run that is at work on an item. */
beforeEach(async () => {
  fix = await createRunFixture();
  item = await fix.createItem(fix.workspaces[0] as number);
  run = (await fix.database.transaction((tx) => trigger(tx, "first"))).run;
  await claimOne(fix.database, fix.pool, fix.runner, async () => {});
  await fix.database.kysely.updateTable("run_messages").set({ status: "acknowledged" }).execute();
});
afterEach(() => fix.close());

function trigger(tx: Queries, text: string): Promise<TriggerResult> {
  const [workspaceId = 0] = fix.workspaces;
  const request = { workspaceId, workItemId: item, agentUserId: fix.agent, requestedBy: fix.person };
  return triggerRun(fix.database, tx, { ...request, trigger: "mention" }, DEFAULTS, text);
}

/** Newest first. */
function runsOf(item: number) {
  const query = fix.database.kysely.selectFrom("runs").select(["id", "status"]);
  return query.where("work_item_id", "=", item).orderBy("id", "desc").execute();
}

async function lockedRun(tx: Queries): Promise<Run> {
  const locked = await lockRun(fix.database, tx, run);
  assert(locked !== undefined, "the run is there");
  return locked;
}

/** On SQLite the other transaction waits for this one anyway. */
async function anotherWaits(): Promise<void> {
  if (fix.database.engine === "sqlite") return;
  await eventually("the other transaction waits for a lock", async () => {
    const { rows } = await sql`
      select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    `.execute(fix.database.kysely);
    return rows.length > 0;
  });
}

describe("a trigger beside the end of the run it found", () => {
  test("reaches the follow-up that the end has started", async () => {
    let beside: Promise<TriggerResult> | undefined;
    await fix.database.transaction(async (tx) => {
      const locked = await lockedRun(tx);
      await addMessage(fix.database, tx, { run, author: fix.person, kind: "steer", body: "unread" });
      beside = fix.database.transaction((other) => trigger(other, "second"));
      await anotherWaits();
      await endRun(fix.database, tx, locked, FAILED, DEFAULTS);
    });
    const kept = await beside;
    const runs = await runsOf(item);
    expect(runs.map(({ status }) => status)).toEqual(["queued", "failed"]);
    expect(kept).toMatchObject({ kind: "kept", run: runs[0]?.id });
    const messages = await fix.database.kysely
      .selectFrom("run_messages")
      .select(["run_id", "body"])
      .orderBy("id")
      .execute();
    expect(messages.map(({ body }) => body)).toEqual(["first", "unread", "second"]);
    expect(new Set(messages.slice(1).map(({ run_id }) => run_id))).toEqual(new Set([runs[0]?.id as number]));
  });

  test("starts a run when the end has started none", async () => {
    let beside: Promise<TriggerResult> | undefined;
    await fix.database.transaction(async (tx) => {
      const locked = await lockedRun(tx);
      beside = fix.database.transaction((other) => trigger(other, "second"));
      await anotherWaits();
      await endRun(fix.database, tx, locked, { ...FAILED, status: "canceled", reason: "canceled" }, DEFAULTS);
    });
    expect(await beside).toMatchObject({ kind: "started" });
  });
});

const RESULT: AttemptResult = { ...COMPLETED_RESULT, attempt: Attempt.parse(1) };

test("a run is not published again beside a trigger that starts another: who asked is told of it", async () => {
  await fix.database.transaction(async (tx) => {
    await startPublishing(fix.database, tx, await lockedRun(tx), RESULT);
    await tx.updateTable("run_steps").set({ status: "failed" }).execute();
    await endRun(fix.database, tx, await lockedRun(tx), FAILED, DEFAULTS);
  });
  let beside: Promise<string> | undefined;
  const started = await fix.database.transaction(async (tx) => {
    const result = await trigger(tx, "second");
    beside = republishRun(fix.database, run, fix.person).then(
      () => "published",
      (error: unknown) => (error instanceof AppError ? error.message : `${error}`),
    );
    await anotherWaits();
    return result;
  });
  expect(started.kind).toBe("started");
  expect(await beside).toContain(`run ${started.run} of the same agent is active`);
});
