import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { AppError } from "@windshift/contract/app-error.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { z } from "zod";
import { findViolations } from "./faults-harness/checker.ts";
import type { Host } from "./faults-harness/host.ts";
import { ledgerProblems, REPLY_USAGE, readLedger } from "./faults-harness/ledger.ts";
import { readCalls, takeRecord } from "./faults-harness/record.ts";
import { HERE, openStage, type Stage } from "./faults-harness/stage.ts";
import { SHORT_TIMES } from "./faults-harness/time-limits.ts";

/** Faults of runner hosts, each brought about at a chosen moment. Times are short (time-limits.ts), programs and links real. */
const TEST_MS_MAX = 120_000;
const RUN_MS_MAX = 60_000;
/** An agent that works longer than a lease lasts. */
const LONG_MS = [200, SHORT_TIMES.LEASE_MS + 4_000, 300, 100];
const MIDDLE_MS = [200, 1_500, 1_500, 100];
const QUICK_MS = [50, 50, 50, 50];
const HOUR_MS = 3_600_000;

const RunRow = z.object({
  id: z.coerce.number(),
  status: z.string(),
  reason: z.string().nullable(),
  phase: z.string().nullable(),
  attempt: z.coerce.number(),
  runner_id: z.coerce.number().nullable(),
});
type RunRow = z.infer<typeof RunRow>;

let stage: Stage;
let a: Host;
let b: Host;
const assigned: string[] = [];
const running = new Set<Host>();

beforeAll(async () => {
  stage = await openStage({
    env: process.env,
    hosts: [HERE, HERE],
    capacity: 2,
    poolMax: 5,
    thinkMs: QUICK_MS,
  });
  const [first, second] = stage.hosts;
  if (first === undefined || second === undefined) throw new Error("there are no hosts");
  [a, b] = [first, second];
  for (const host of [a, b]) {
    await host.register();
    running.add(host);
  }
}, TEST_MS_MAX);
beforeEach(async () => {
  for (const host of [a, b]) {
    host.link.heal();
    await end(host);
  }
}, TEST_MS_MAX);
afterAll(() => stage?.close(false), TEST_MS_MAX);

describe("F20 a host that is cut off in the middle of its work, while another takes the run", () => {
  const MOMENTS: [string, RegExp][] = [
    ["a model call", /^POST \/api\/llm-proxy\//],
    ["its push", /^POST \/api\/git-proxy\/\d+\/.*git-receive-pack /],
    ["its events", /^POST \/api\/runner\/runs\/\d+\/events /],
  ];
  test.each(MOMENTS)(
    "is refused what arrives late of %s",
    async (_, request) => {
      think(QUICK_MS);
      a.link.holdAt(request);
      start(a);
      const id = await assign("Cut off");
      await eventually("the request is on its way", () => a.link.isHolding, RUN_MS_MAX);
      await takenOver(id);
      a.link.heal();
      await succeedsAs(id, 2);
      await allIsWell();
    },
    TEST_MS_MAX,
  );

  test(
    "after its push has its commits put up for review; its result that arrives late changes nothing",
    async () => {
      think(QUICK_MS);
      a.link.holdAt(/^POST \/api\/runner\/runs\/\d+\/result /);
      start(a);
      const id = await assign("Cut off at its end");
      await eventually("the result is on its way", () => a.link.isHolding, RUN_MS_MAX);
      start(b);
      const over = await ended(id);
      a.link.heal();
      const { pulls } = await allIsWell();
      expect(pulls).toContainEqual({ run: id, count: 1 });
      expect(await runOf(id)).toEqual(over);
      expect(over.attempt).toBe(1);
    },
    TEST_MS_MAX,
  );

  test(
    "by a stop of its program for longer than its lease is refused all it does when it goes on",
    async () => {
      think(MIDDLE_MS);
      start(a);
      const id = await assign("Stopped");
      await eventually("the agent works", async () => (await runOf(id)).phase === "agent", RUN_MS_MAX);
      a.stop();
      await takenOver(id);
      await eventually("the run has ended", async () => (await runOf(id)).status !== "running", RUN_MS_MAX);
      a.resume();
      await succeedsAs(id, 2);
      await allIsWell();
    },
    TEST_MS_MAX,
  );
});

describe("F14 a host that reaches no server", () => {
  test(
    "F15 ends its containers by itself, and when the link heals it takes work again",
    async () => {
      think(LONG_MS.map((ms) => ms * 3));
      start(a);
      const id = await assign("Partitioned");
      await eventually("the agent works", async () => (await a.processes()).length > 0, RUN_MS_MAX);
      a.link.hold({ up: true, down: true });
      await eventually(
        "the server has given it up",
        async () => (await runOf(id)).status === "queued",
        RUN_MS_MAX,
      );
      await eventually("its agent is gone", async () => (await a.processes()).length === 0, RUN_MS_MAX);
      think(QUICK_MS);
      a.link.heal();
      await succeedsAs(id, 2);
      await allIsWell();
    },
    TEST_MS_MAX,
  );

  test(
    "for less than a lease goes on with the same attempt",
    async () => {
      think(MIDDLE_MS);
      start(a);
      const id = await assign("Hiccup");
      await eventually("the agent works", async () => (await runOf(id)).phase === "agent", RUN_MS_MAX);
      a.link.cut();
      const { lease } = await leaseOf(id);
      a.link.heal();
      await eventually("the lease is renewed", async () => (await leaseOf(id)).lease > lease, RUN_MS_MAX);
      await succeedsAs(id, 1);
      await allIsWell();
    },
    TEST_MS_MAX,
  );
});

test(
  "F28 a run that kills its host each time fails after three attempts, and the others go on",
  async () => {
    think(QUICK_MS);
    const over = new AbortController();
    const kept = [a, b].map((host) => host.keepStarted({ WSRUNNER_CAPACITY: "1" }, over.signal));
    running.add(a).add(b);
    const poison = await assign("POISON");
    const others = [await assign("Well 1"), await assign("Well 2")];
    const failed = await ended(poison);
    expect([failed.status, failed.reason, failed.attempt]).toEqual(["failed", "attempts_exhausted", 3]);
    for (const id of others) expect((await ended(id)).status).toBe("succeeded");
    over.abort();
    await Promise.all(kept);
    await allIsWell();
  },
  TEST_MS_MAX,
);

describe("F35 a host that is told to end", () => {
  test(
    "takes no more, keeps its leases while its two runs come to their end, and exits with 0",
    async () => {
      think(LONG_MS);
      start(a);
      const ids = [await assign("Drained 1"), await assign("Drained 2")];
      for (const id of ids)
        await eventually("the agent works", async () => (await runOf(id)).phase === "agent", RUN_MS_MAX);
      a.terminate();
      const third = await assign("Not taken");
      expect(await a.exitedWithin(RUN_MS_MAX)).toBe(0);
      for (const id of ids) await succeedsAs(id, 1);
      expect((await runOf(third)).status).toBe("queued");
      think(QUICK_MS);
      start(b);
      await succeedsAs(third, 1);
      await allIsWell();
    },
    TEST_MS_MAX,
  );

  test(
    "and whose runs take longer than WSRUNNER_DRAIN_TIMEOUT cuts them off; they are queued again and another does them",
    async () => {
      think(LONG_MS);
      start(a, { WSRUNNER_DRAIN_TIMEOUT: "1s" });
      const id = await assign("Takes too long");
      await eventually("the agent works", async () => (await runOf(id)).phase === "agent", RUN_MS_MAX);
      a.terminate();
      expect(await a.exitedWithin(RUN_MS_MAX)).toBe(0);
      expect(await Bun.file(a.logFile).text()).toContain("the drain took too long (WSRUNNER_DRAIN_TIMEOUT)");
      expect(await a.processes()).toEqual([]);
      think(QUICK_MS);
      start(b);
      await succeedsAs(id, 2);
      // What its attempt had to say is kept for its next start.
      start(a);
      await allIsWell();
    },
    TEST_MS_MAX,
  );

  test(
    "twice ends its runs at once; they are queued again and another does them",
    async () => {
      think(LONG_MS);
      start(a);
      const ids = [await assign("Cut off 1"), await assign("Cut off 2")];
      for (const id of ids)
        await eventually("the agent works", async () => (await runOf(id)).phase === "agent", RUN_MS_MAX);
      a.terminate();
      // Two signals at once would be one.
      await eventually("the server knows that it drains", () => isDraining(a), RUN_MS_MAX);
      a.terminate();
      expect(await a.exitedWithin(RUN_MS_MAX)).toBe(0);
      expect(await a.processes()).toEqual([]);
      think(QUICK_MS);
      start(b);
      for (const id of ids) await succeedsAs(id, 2);
      // What its attempts had to say is kept for its next start.
      start(a);
      await allIsWell();
    },
    TEST_MS_MAX,
  );
});

test(
  "F18 hosts whose clocks are an hour early and an hour late keep their leases and lose none",
  async () => {
    think(LONG_MS);
    start(a, { FAULTS_CLOCK_OFFSET_MS: String(HOUR_MS), WSRUNNER_CAPACITY: "1" });
    start(b, { FAULTS_CLOCK_OFFSET_MS: String(-HOUR_MS), WSRUNNER_CAPACITY: "1" });
    const ids = [await assign("Early"), await assign("Late")];
    const holders = await Promise.all(
      ids.map((id) => eventually("it is held", async () => (await runOf(id)).runner_id)),
    );
    expect(new Set(holders).size).toBe(2);
    for (const id of ids) await succeedsAs(id, 1);
    await allIsWell();
  },
  TEST_MS_MAX,
);

test(
  "F18 a server whose clock steps by ten minutes, ahead and back, loses no run and hands none out twice",
  async () => {
    think(MIDDLE_MS);
    start(a);
    for (const offsetMs of [600_000, -600_000]) {
      const id = await assign("Stepped");
      await eventually("the agent works", async () => (await runOf(id)).phase === "agent", RUN_MS_MAX);
      await stage.stepClock(offsetMs);
      await succeedsAs(id, 1);
      await stage.stepClock(0);
    }
    await allIsWell();
  },
  TEST_MS_MAX,
);

describe("F22 a result that arrives after", () => {
  for (const [force, status] of [
    [false, "canceled"],
    [true, "killed"],
  ] as const)
    test(
      `a ${force ? "forced " : ""}cancel leaves the run ${status}, without a pull request`,
      async () => {
        think(QUICK_MS);
        a.link.holdAt(/^POST \/api\/runner\/runs\/\d+\/result /);
        start(a);
        const id = await assign("Canceled");
        await eventually("the result is on its way", () => a.link.isHolding, RUN_MS_MAX);
        await cancel(id, force);
        a.link.heal();
        expect((await ended(id)).status).toBe(status);
        await eventually("the host is clean", async () => (await a.leftovers()).length === 0, RUN_MS_MAX);
        expect((await runOf(id)).status).toBe(status);
        const record = await allIsWell();
        expect(record.pulls.filter(({ run }) => run === id)).toEqual([]);
        await expect(cancel(id, true)).rejects.toThrow(AppError);
      },
      TEST_MS_MAX,
    );
});

function think(ms: readonly number[]): void {
  stage.model.play(
    ms.map((delay_ms, turn) => ({ content: `thought ${turn}`, delay_ms, usage: REPLY_USAGE })),
  );
}

function start(host: Host, env: Record<string, string> = {}): void {
  host.start(env);
  running.add(host);
}

async function end(host: Host): Promise<void> {
  if (!running.delete(host)) return;
  await host.kill();
}

async function assign(title: string): Promise<number> {
  const { key } = await stage.workspace.createItem({ title, description: "Anything." }, true);
  assigned.push(key);
  const number = key.split("-").at(-1);
  const [row] = await stage.journal.query(
    `select r.id from runs r join work_items i on i.id = r.work_item_id where i.number = ${Number(number)}`,
    z.object({ id: z.coerce.number() }),
  );
  if (row === undefined) throw new Error(`${key} has no run`);
  return row.id;
}

async function runOf(id: number): Promise<RunRow> {
  const [row] = await stage.journal.query(
    `select id, status, reason, phase, attempt, runner_id from runs where id = ${id}`,
    RunRow,
  );
  if (row === undefined) throw new Error(`run ${id} is gone`);
  return row;
}

async function leaseOf(id: number): Promise<{ lease: number }> {
  const lease = z.object({ lease: z.coerce.number() });
  const [row] = await stage.journal.query(
    `select lease_expires_at_ms as lease from runs where id = ${id}`,
    lease,
  );
  return row ?? { lease: 0 };
}

async function isDraining({ name }: Host): Promise<boolean> {
  const statement = `select draining from runners where name = '${name}'`;
  const [row] = await stage.journal.query(statement, z.object({ draining: z.coerce.number() }));
  return row?.draining === 1;
}

/** Host b starts and holds the second attempt. */
async function takenOver(id: number): Promise<void> {
  start(b);
  const isTaken = async () => {
    const { attempt, status } = await runOf(id);
    return attempt === 2 && status !== "queued";
  };
  await eventually("another host has taken the run", isTaken, RUN_MS_MAX);
}

function ended(id: number): Promise<RunRow> {
  const isOver = async () => {
    const run = await runOf(id);
    return run.status === "queued" || run.status === "running" ? undefined : run;
  };
  return eventually(`run ${id} has ended`, isOver, RUN_MS_MAX);
}

async function succeedsAs(id: number, attempt: number): Promise<void> {
  const run = await ended(id);
  expect([run.status, run.reason, run.attempt]).toEqual(["succeeded", "completed", attempt]);
}

async function cancel(id: number, force: boolean): Promise<void> {
  await stage.api.post(`/api/v1/agent-runs/${id}/cancel`, { force }, z.unknown());
}

/** Every invariant holds for all that happened so far, and the hosts that live are clean. */
async function allIsWell() {
  const left = async () => (await Promise.all([...running].map((host) => host.leftovers()))).flat();
  await eventually("the hosts are clean", async () => (await left()).length === 0, RUN_MS_MAX);
  const paid = async () => ledgerProblems(await readLedger(stage.journal), readCalls(stage)).length === 0;
  await eventually("every call is written down", paid, RUN_MS_MAX);
  const record = await takeRecord(stage, assigned, await left());
  expect(findViolations(record)).toEqual([]);
  return record;
}
