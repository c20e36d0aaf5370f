import { eventually } from "@windshift/testing/eventually.ts";
import { z } from "zod";
import { FAIL_TIMEOUT_MS } from "./balancer.ts";
import type { ReplicaStage } from "./replica-stage.ts";

/** What happens to servers and their database while runs are at work. */
export type Act = (rig: ReplicaStage, log: (line: string) => void) => Promise<void>;

const READY_MS_MAX = 60_000;
/** Of a description: some of these fill what is left in the files of a database. */
const LARGE_TEXT_CHARS = 50_000;
const Count = z.object({ n: z.coerce.number() });

/** One server after the other is ended in order and started again, each once runs are at work (F04). */
export const rollingRestart: Act = async (rig, log) => {
  for (const [at, replica] of rig.replicas.entries()) {
    const held = await runsAtWork(rig);
    const startedMs = performance.now();
    await replica.stop();
    const stoppedMs = performance.now();
    await replica.start();
    const s = (ms: number) => (ms / 1_000).toFixed(1);
    log(
      `server ${at + 1} of ${rig.replicas.length}: ended in ${s(stoppedMs - startedMs)} s with ${held} runs at work, ready again after ${s(performance.now() - stoppedMs)} s`,
    );
    // nginx may have asked it while it was away, and leaves it alone for so long; with two servers, the next would be the last.
    await Bun.sleep(2 * FAIL_TIMEOUT_MS);
  }
};

/** The database crashes and comes back on what its disk has (F10). */
export const crashDatabase: Act = async (rig, log) => {
  log(`the database crashes with ${await runsAtWork(rig)} runs at work`);
  const startedMs = performance.now();
  await rig.cluster.crashAndStart();
  const backMs = performance.now();
  await allReady(rig);
  log(
    `it is back after ${Math.round(backMs - startedMs)} ms; all servers are ready ${Math.round(performance.now() - backMs)} ms later`,
  );
};

/** Every connection of every server is ended by the database (F10). */
export const terminateBackends: Act = async (rig, log) => {
  log(`all connections are ended with ${await runsAtWork(rig)} runs at work`);
  await rig.cluster.query(
    "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like 'windshift%'",
  );
  await allReady(rig);
};

/** The machine of the database is gone; its standby takes its place at the same address (F10). */
export const failOver: Act = async (rig, log) => {
  const standby = await rig.cluster.follow();
  rig.adopt(standby);
  await eventually(
    "the standby has all",
    async () =>
      (await rig.cluster.query("select count(*) from pg_stat_replication where sync_state = 'sync'")) === "1",
    READY_MS_MAX,
  );
  log(`the primary is lost with ${await runsAtWork(rig)} runs at work`);
  const startedMs = performance.now();
  await rig.cluster.crash();
  await standby.promote();
  rig.wire.lead(standby.port);
  await allReady(rig);
  log(
    `its standby has taken over, and all servers are ready, after ${Math.round(performance.now() - startedMs)} ms`,
  );
};

/** Answers of the database take so much longer, for so long, ms (F11). */
export function slowDatabase(ms: number, forMs: number): Act {
  return async (rig, log) => {
    log(`each answer of the database takes ${ms} ms more, with ${await runsAtWork(rig)} runs at work`);
    rig.wire.slow(ms);
    await Bun.sleep(forMs);
    rig.wire.slow(0);
    log("the database is as fast as before");
  };
}

/** The disk of the database takes no more, then there is room again (F12). */
export const fillDatabaseDisk: Act = async (rig, log) => {
  log(`the database's disk is filled with ${await runsAtWork(rig)} runs at work`);
  await rig.cluster.fillDisk();
  const { api, workspace } = rig.stage;
  const item = { title: "There is no room", description: "x".repeat(LARGE_TEXT_CHARS) };
  let kept = 0;
  const said = await eventually(
    "something is refused",
    () =>
      workspace.createItem(item, false).then(
        () => void kept++,
        (error: Error) => error.message,
      ),
    READY_MS_MAX,
  );
  const read = await api.get("/api/v1/workspaces/FAULT/items?limit=1", z.json()).then(
    () => "answered",
    (error: Error) => `refused (${error.message})`,
  );
  log(`after ${kept} items one was refused: ${said}; a reading was ${read}`);
  const startedMs = performance.now();
  await rig.cluster.freeDisk();
  await allReady(rig);
  log(`all servers are ready ${Math.round(performance.now() - startedMs)} ms after there was room`);
};

async function allReady(rig: ReplicaStage): Promise<void> {
  for (const { url } of rig.replicas)
    await eventually(
      `${url} is ready`,
      async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200,
      READY_MS_MAX,
    );
}

/** Waits until a runner holds a run. @returns how many are held */
function runsAtWork({ stage }: ReplicaStage): Promise<number> {
  const held = "select count(*) as n from runs where status = 'running' and lease_expires_at_ms is not null";
  return eventually(
    "runs are at work",
    async () => (await stage.journal.query(held, Count))[0]?.n || undefined,
    READY_MS_MAX,
  );
}
