import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { RunEvent } from "@windshift/contract/event.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import type { AttemptResult } from "@windshift/contract/job.ts";
import { ATTEMPTS_MAX } from "@windshift/contract/limits.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { setPoolCap } from "../pools/pool-store.ts";
import { claimOne } from "../testing/claim-one.ts";
import { COMPLETED_RESULT } from "../testing/completed-result.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { type ControlPlaneOptions, claimJob } from "./control-plane.ts";
import type { Run } from "./run.ts";
import { cancelRun } from "./run-cancel.ts";
import { endRun } from "./run-end.ts";
import { appendEvents, listEvents } from "./run-events.ts";
import { renewLease } from "./run-queue.ts";
import { reportResult } from "./run-report.ts";
import { getRun } from "./run-store.ts";
import { interruptHeldBy, sweepLapsedLeases } from "./run-sweep.ts";
import { createRunTokens, findRunByToken } from "./run-tokens.ts";
import { triggerRun } from "./run-triggers.ts";
import { whyQueued } from "./why-queued.ts";

/** Each test makes a database of its own; a loaded machine takes seconds for that alone. */
setDefaultTimeout(60_000);

const DEFAULTS = { llmModel: undefined };
let fix: RunFixture;

beforeEach(async () => {
  fix = await createRunFixture(3);
});
afterEach(() => fix.close());

async function assign(workspace = 0, item?: number): Promise<{ run: RunId; item: number; kind: string }> {
  const workspaceId = fix.workspaces[workspace] as number;
  const workItemId = item ?? (await fix.createItem(workspaceId));
  const result = await fix.database.transaction((tx) =>
    triggerRun(
      fix.database,
      tx,
      { workspaceId, workItemId, agentUserId: fix.agent, requestedBy: fix.person, trigger: "assignee" },
      DEFAULTS,
      undefined,
    ),
  );
  return { ...result, item: workItemId };
}

/** Newest first. */
function runsOf(item: number) {
  const query = fix.database.kysely.selectFrom("runs").select(["id", "status"]);
  return query.where("work_item_id", "=", item).orderBy("id", "desc").execute();
}

function claim(): Promise<Run | undefined> {
  return claimOne(fix.database, fix.pool, fix.runner, async (_, run) => run);
}

async function lapse(run: RunId): Promise<void> {
  await fix.database.kysely
    .updateTable("runs")
    .set({ lease_expires_at_ms: 1 })
    .where("id", "=", run)
    .execute();
}

function result(attempt: number, over: Partial<AttemptResult> = {}): AttemptResult {
  return { ...COMPLETED_RESULT, attempt: attempt as AttemptResult["attempt"], ...over };
}

function event(
  seq: number,
  data: RunEvent["data"] = { text: `${seq}` },
  type: RunEvent["type"] = "content",
): RunEvent {
  return { seq, at: "2026-01-01T00:00:00.000Z", type, data };
}

describe("claim", () => {
  test("gives one queued run to exactly one of many callers", async () => {
    const { run } = await assign();
    const claims = await Promise.all(Array.from({ length: 20 }, claim));
    const won = claims.filter((c) => c !== undefined);
    expect(won.map((c) => c.id)).toEqual([run]);
    expect<unknown>(won[0]?.attempt).toBe(1);
  });

  test("holds the pool's cap under concurrent claims", async () => {
    for (let n = 0; n < 6; n++) await assign();
    await setPoolCap(fix.database.kysely, fix.pool, 2);
    const claims = await Promise.all(Array.from({ length: 10 }, claim));
    expect(claims.filter((c) => c !== undefined)).toHaveLength(2);
    expect(await claim()).toBeUndefined();
  });

  test("is fair: a workspace with runs in progress lets the others go first", async () => {
    for (let n = 0; n < 4; n++) await assign(0);
    const second = await assign(1);
    const third = await assign(2);
    const order = [await claim(), await claim(), await claim()].map((run) => run?.workspace_id);
    expect<unknown>(order).toEqual([fix.workspaces[0], fix.workspaces[1], fix.workspaces[2]]);
    expect((await getRun(fix.database.kysely, second.run)).status).toBe("running");
    expect((await getRun(fix.database.kysely, third.run)).status).toBe("running");
  });

  test("rolls back with what was to be written with it", async () => {
    const { run } = await assign();
    const failed = claimOne(fix.database, fix.pool, fix.runner, async () => {
      throw new Error("no job");
    });
    await expect(failed).rejects.toMatchObject({ name: "ClaimFault", cause: new Error("no job") });
    expect(await getRun(fix.database.kysely, run)).toMatchObject({ status: "queued", attempt: 0 });
  });
});

describe("a run that cannot be made into a job", () => {
  test("lets the others pass and fails after three turns, with a word for people", async () => {
    const broken = await assign(0);
    const sound = await assign(1);
    await fix.database.kysely
      .updateTable("runs")
      .set({ grants: "null" })
      .where("id", "=", broken.run)
      .execute();
    const faults: number[] = [];
    const options: ControlPlaneOptions = {
      database: fix.database,
      defaults: DEFAULTS,
      addresses: { containerApiUrl: "http://windshift.test/api", runnerApiUrl: "http://127.0.0.1:1/api" },
      readBranch: async () => null,
      isolation: "container",
      onClaimError: (run) => void faults.push(run),
    };
    const job = await claimJob(options, fix.pool, fix.runner, AbortSignal.timeout(10_000));
    expect<number | undefined>(job?.run_id).toBe(sound.run);
    expect(faults).toEqual([broken.run, broken.run, broken.run]);
    const failed = await getRun(fix.database.kysely, broken.run);
    expect(failed).toMatchObject({ status: "failed", reason: "internal" });
    expect(failed.detail).toContain("server log");
  });
});

test("F40 a runner that waits already is given no run while the server can bear no other", async () => {
  const calm = Promise.withResolvers<void>();
  let looks = 0;
  const options: ControlPlaneOptions = {
    database: fix.database,
    defaults: DEFAULTS,
    addresses: { containerApiUrl: "http://c.test/api", runnerApiUrl: "http://r.test/api" },
    readBranch: async () => null,
    isolation: "container",
    onClaimError: () => {},
    // It could when the runner began to wait, and cannot when a run comes.
    untilCalm: async () => {
      if (++looks > 1) await calm.promise;
    },
  };
  const waiting = claimJob(options, fix.pool, fix.runner, new AbortController().signal);
  const asksAgain = async () => {
    await fix.database.signals.notify("queue");
    return looks > 1;
  };
  await eventually("it has found nothing, and asks before it looks again", asksAgain, 20_000);
  const { run } = await assign();
  await fix.database.signals.notify("queue");
  expect((await getRun(fix.database.kysely, run)).status).toBe("queued");
  calm.resolve();
  expect<number | undefined>((await waiting)?.run_id).toBe(run);
});

describe("triggers", () => {
  test("a further trigger is kept as a message for the active run", async () => {
    const first = await assign();
    const second = await assign(0, first.item);
    expect(second).toMatchObject({ run: first.run, kind: "kept" });
    expect(await runsOf(first.item)).toHaveLength(1);
    const messages = await fix.database.kysely.selectFrom("run_messages").selectAll().execute();
    expect(messages).toMatchObject([{ run_id: first.run, status: "queued", kind: "trigger" }]);
  });

  test("two triggers at once make one run and one message", async () => {
    const item = await fix.createItem(fix.workspaces[0] as number);
    const results = await Promise.all([assign(0, item), assign(0, item)]);
    expect(results.map((r) => r.kind).sort()).toEqual(["kept", "started"]);
  });

  test("a message the agent never read starts a follow-up run when the run ends", async () => {
    const first = await assign();
    const run = (await claim()) as Run;
    await assign(0, first.item);
    await reportResult(
      fix.database,
      run.id,
      result(1, { failure: { reason: "agent_failed", detail: "x" } }),
      DEFAULTS,
    );
    const published = await getRun(fix.database.kysely, run.id);
    const ending = { status: "failed", reason: "agent_failed", detail: "x" } as const;
    await fix.database.transaction((tx) => endRun(fix.database, tx, published, ending, DEFAULTS));
    const runs = await runsOf(first.item);
    expect(runs.map((r) => r.status)).toEqual(["queued", "failed"]);
    const moved = await fix.database.kysely.selectFrom("run_messages").select("run_id").execute();
    expect(moved).toEqual([{ run_id: runs[0]?.id as number }]);
  });

  test("what cannot start is a visible failed run that says why", async () => {
    await fix.database.kysely.updateTable("bindings").set({ enabled: 0 }).execute();
    const { run } = await assign();
    expect(await getRun(fix.database.kysely, run)).toMatchObject({
      status: "failed",
      reason: "misconfigured",
    });
    expect((await getRun(fix.database.kysely, run)).detail).toContain("disabled");
  });

  test("a run without a model names both places to set one", async () => {
    await fix.database.kysely.updateTable("bindings").set({ model: null }).execute();
    const { run } = await assign();
    expect((await getRun(fix.database.kysely, run)).detail).toContain("CODING_AGENT_LLM_MODEL");
  });
});

describe("lease", () => {
  test("a lapsed lease requeues the run, and the old attempt can do nothing more", async () => {
    const { run } = await assign();
    await claim();
    await lapse(run);
    expect(await sweepLapsedLeases(fix.database, DEFAULTS)).toEqual([{ run, attempt: 1, became: "queued" }]);
    expect<unknown>((await claim())?.attempt).toBe(2);
    expect(await renewLease(fix.database, run, 1)).toBe(false);
    expect(await appendEvents(fix.database, run, 1, [event(1)])).toEqual({ kind: "lease_lost" });
    expect(await reportResult(fix.database, run, result(1), DEFAULTS)).toBe("lease_lost");
    expect(await getRun(fix.database.kysely, run)).toMatchObject({ status: "running", attempt: 2 });
  });

  test("a renewed lease is not swept", async () => {
    const { run } = await assign();
    await claim();
    expect(await renewLease(fix.database, run, 1)).toBe(true);
    expect(await sweepLapsedLeases(fix.database, DEFAULTS)).toEqual([]);
  });

  test("a run that is lost in every attempt fails and says so", async () => {
    const { run } = await assign();
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      expect((await claim())?.attempt).toBe(attempt as Run["attempt"]);
      await lapse(run);
      await sweepLapsedLeases(fix.database, DEFAULTS);
    }
    expect(await getRun(fix.database.kysely, run)).toMatchObject({
      status: "failed",
      reason: "attempts_exhausted",
    });
    expect(await claim()).toBeUndefined();
  });

  test("an attempt that had pushed is published when its runner is lost, not done again", async () => {
    const { run } = await assign();
    await claim();
    const finish = { note: "finish", outcome: "completed", summary: "all done" };
    await appendEvents(fix.database, run, 1, [event(1, finish, "lifecycle")]);
    await fix.database.kysely
      .updateTable("runs")
      .set({ pushed_oid: "a".repeat(40) })
      .execute();
    expect(await interruptHeldBy(fix.database, DEFAULTS, fix.runner)).toEqual([
      { run, attempt: 1, became: "publishing" },
    ]);
    const published = await getRun(fix.database.kysely, run);
    expect(published).toMatchObject({ phase: "publishing", summary: "all done" });
    expect(published.result).toMatchObject({ outcome: "completed", failure: null });
  });
});

describe("tokens", () => {
  test("RT-15 a run token works only while its attempt is the live one", async () => {
    const { run } = await assign();
    const first = (await claim()) as Run;
    const one = await createRunTokens(fix.database.kysely, run, first.attempt as 1 & Run["attempt"]);
    expect((await findRunByToken(fix.database.kysely, one.agent, "agent"))?.id).toBe(run);
    expect(await findRunByToken(fix.database.kysely, one.agent, "git")).toBeUndefined();
    expect(await findRunByToken(fix.database.kysely, `${one.agent}x`, "agent")).toBeUndefined();
    await lapse(run);
    await sweepLapsedLeases(fix.database, DEFAULTS);
    expect(await findRunByToken(fix.database.kysely, one.agent, "agent")).toBeUndefined();
    await claim();
    expect(await findRunByToken(fix.database.kysely, one.git, "git")).toBeUndefined();
  });

  test("RT-04 the database holds hashes of run tokens, never a token", async () => {
    const { run } = await assign();
    const claimed = (await claim()) as Run;
    const tokens = await createRunTokens(fix.database.kysely, run, claimed.attempt as 1 & Run["attempt"]);
    const rows = JSON.stringify(await fix.database.kysely.selectFrom("run_tokens").selectAll().execute());
    expect(rows).not.toContain(tokens.agent);
    expect(rows).not.toContain("wsrun_");
  });

  test("a cancel request kills the tokens at once", async () => {
    const { run } = await assign();
    const claimed = (await claim()) as Run;
    const tokens = await createRunTokens(fix.database.kysely, run, claimed.attempt as 1 & Run["attempt"]);
    await cancelRun(fix.database, run, fix.person, false, DEFAULTS);
    expect(await findRunByToken(fix.database.kysely, tokens.agent, "agent")).toBeUndefined();
    expect((await getRun(fix.database.kysely, run)).status).toBe("running");
    expect(await reportResult(fix.database, run, result(1), DEFAULTS)).toBe("accepted");
    expect((await getRun(fix.database.kysely, run)).status).toBe("canceled");
  });
});

describe("cancel", () => {
  test("a queued run ends at once; a second cancel is told that it has ended", async () => {
    const { run } = await assign();
    await cancelRun(fix.database, run, fix.person, false, DEFAULTS);
    expect((await getRun(fix.database.kysely, run)).status).toBe("canceled");
    await expect(cancelRun(fix.database, run, fix.person, false, DEFAULTS)).rejects.toThrow(
      "has ended already",
    );
  });

  test("force ends a running run as killed, and its late report is refused", async () => {
    const { run } = await assign();
    await claim();
    await cancelRun(fix.database, run, fix.person, true, DEFAULTS);
    expect((await getRun(fix.database.kysely, run)).status).toBe("killed");
    expect(await reportResult(fix.database, run, result(1), DEFAULTS)).toBe("lease_lost");
    expect((await getRun(fix.database.kysely, run)).status).toBe("killed");
  });
});

describe("events", () => {
  test("RT-17 replayed and overlapping batches are stored once, a gap is left out", async () => {
    const { run } = await assign();
    await claim();
    expect(await appendEvents(fix.database, run, 1, [event(1), event(2)])).toEqual({
      kind: "accepted",
      ackedSeq: 2,
    });
    expect(await appendEvents(fix.database, run, 1, [event(1), event(2), event(3)])).toEqual({
      kind: "accepted",
      ackedSeq: 3,
    });
    expect(await appendEvents(fix.database, run, 1, [event(5)])).toEqual({ kind: "accepted", ackedSeq: 3 });
    const stored = await listEvents(fix.database.kysely, run, 0, 100);
    expect(stored.map((e) => e.seq)).toEqual([1, 2, 3]);
    expect(await listEvents(fix.database.kysely, run, stored[1]?.id ?? 0, 100)).toHaveLength(1);
  });

  test("F23 a report and a batch that come again after the report change nothing, whatever they say", async () => {
    const { run } = await assign();
    await claim();
    const batch = [event(1), event(2)];
    await appendEvents(fix.database, run, 1, batch);
    expect(await reportResult(fix.database, run, result(1), DEFAULTS)).toBe("accepted");
    const stored = async () => ({
      run: await getRun(fix.database.kysely, run),
      events: await listEvents(fix.database.kysely, run, 0, 100),
      attempts: await fix.database.kysely.selectFrom("run_attempts").selectAll().execute(),
    });
    const before = await stored();
    expect(before.run.result).toMatchObject({ outcome: "completed" });
    const failed = { outcome: null, failure: { reason: "agent_failed", detail: "no" } } as const;
    for (const again of [result(1), result(1, failed)])
      expect(await reportResult(fix.database, run, again, DEFAULTS)).toBe("accepted");
    for (const again of [batch, [event(1), event(2), event(3)]])
      expect(await appendEvents(fix.database, run, 1, again)).toEqual({ kind: "lease_lost" });
    expect(await reportResult(fix.database, run, result(2), DEFAULTS)).toBe("lease_lost");
    expect(await stored()).toEqual(before);
  });

  test("a NUL in a tool's output does not lose the batch", async () => {
    const { run } = await assign();
    await claim();
    await appendEvents(fix.database, run, 1, [event(1, { text: "a\u0000b" })]);
    expect((await listEvents(fix.database.kysely, run, 0, 10))[0]?.data).toEqual({ text: "a\u0000b" });
  });

  test("a receipt for something that is no message of the run is stored and changes nothing", async () => {
    const { run } = await assign();
    await claim();
    const ids = ["99999999999", "1.5", "x", { a: 1 }];
    const events = ids.map((id, index) => event(index + 1, { note: "received", id }, "lifecycle"));
    expect(await appendEvents(fix.database, run, 1, events)).toEqual({ kind: "accepted", ackedSeq: 4 });
  });

  test("phases told as events move the run; one the server owns is ignored", async () => {
    const { run } = await assign();
    await claim();
    await appendEvents(fix.database, run, 1, [event(1, { phase: "agent" }, "lifecycle")]);
    expect((await getRun(fix.database.kysely, run)).phase).toBe("agent");
    await appendEvents(fix.database, run, 1, [event(2, { phase: "publishing" }, "lifecycle")]);
    expect((await getRun(fix.database.kysely, run)).phase).toBe("agent");
  });
});

describe("report", () => {
  test("the same report twice is one outcome", async () => {
    const { run } = await assign();
    await claim();
    expect(await reportResult(fix.database, run, result(1), DEFAULTS)).toBe("accepted");
    expect(await reportResult(fix.database, run, result(1, { summary: "other" }), DEFAULTS)).toBe("accepted");
    expect(await getRun(fix.database.kysely, run)).toMatchObject({ phase: "publishing", summary: "done" });
  });

  test("a run in publishing is not swept and frees its place in the pool", async () => {
    await setPoolCap(fix.database.kysely, fix.pool, 1);
    const { run } = await assign();
    await assign();
    await claim();
    await reportResult(fix.database, run, result(1), DEFAULTS);
    expect(await sweepLapsedLeases(fix.database, DEFAULTS)).toEqual([]);
    expect(await claim()).toBeDefined();
  });
});

describe("why queued", () => {
  test("says that no runner is alive, and what to set", async () => {
    const { run } = await assign();
    await fix.database.kysely.updateTable("runners").set({ last_seen_at_ms: 0 }).execute();
    const why = await whyQueued(fix.database, await getRun(fix.database.kysely, run));
    expect(why.reason).toBe("no_live_runner");
    expect(why.text).toContain("CODING_AGENT_RUNNER_IMAGE");
  });

  test("says who is next, and that every runner drains, by itself or because it was asked to", async () => {
    const { run } = await assign();
    const why = async () => whyQueued(fix.database, await getRun(fix.database.kysely, run));
    expect(await why()).toMatchObject({ reason: "next", ahead: 0 });
    const { kysely } = fix.database;
    for (const drain of [{ draining: 1 }, { draining: 0, drain_asked: 1 }]) {
      await kysely.updateTable("runners").set(drain).execute();
      expect(await why()).toMatchObject({ reason: "draining" });
    }
    await kysely.updateTable("runners").set({ drain_asked: 0 }).execute();
    expect(await why()).toMatchObject({ reason: "next" });
  });

  test("counts the runs ahead, and names a full pool", async () => {
    await assign();
    const { run } = await assign();
    const waiting = () => getRun(fix.database.kysely, run);
    expect(await whyQueued(fix.database, await waiting())).toMatchObject({
      reason: "behind_others",
      ahead: 1,
    });
    await setPoolCap(fix.database.kysely, fix.pool, 1);
    await claim();
    expect(await whyQueued(fix.database, await waiting())).toMatchObject({ reason: "pool_full", ahead: 0 });
  });
});
