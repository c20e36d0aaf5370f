import { LEASE_MS } from "@windshift/contract/limits.ts";
import { sql } from "kysely";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { isPoolOpenTo } from "../pools/pool-store.ts";
import type { Run } from "./run.ts";
import { countHeld, queuePosition } from "./run-queue.ts";

export interface WhyQueued {
  reason:
    | "no_live_runner"
    | "no_runner_with_labels"
    | "draining"
    | "pool_closed"
    | "forge_busy"
    | "pool_full"
    | "runners_full"
    | "behind_others"
    | "next";
  /** Runs of the pool that were queued earlier. */
  ahead: number;
  /** What a person reads, with what would help. */
  text: string;
}

/** The one reason a queued run has not started, computed from the database as it is now. */
export async function whyQueued(database: Database, run: Run): Promise<WhyQueued> {
  const db = database.kysely;
  const pool = await db
    .selectFrom("pools")
    .selectAll()
    .where("id", "=", run.pool_id)
    .executeTakeFirstOrThrow();
  const { ahead } = await queuePosition(db, run);
  if (!(await isPoolOpenTo(db, run.pool_id, run.workspace_id)))
    return {
      reason: "pool_closed",
      ahead,
      text: `Pool "${pool.name}" is not open to this workspace any more. It starts when an administrator opens the pool to it again; or cancel it, give the agent's binding another pool, and run it again.`,
    };
  const live = await db
    .selectFrom("runners")
    .select(["id", "labels", "capacity", "kind", "draining", "drain_asked"])
    .where("pool_id", "=", run.pool_id)
    .where("revoked_at_ms", "is", null)
    .where((eb) => eb("last_seen_at_ms", ">", eb(dbNowMs(database.engine), "-", LEASE_MS)))
    .execute();
  if (live.length === 0) return { reason: "no_live_runner", ahead, text: noRunnerText(pool.name) };
  const wanted = run.labels;
  const able = live.filter(({ labels }) => {
    const has = new Set<string>([...JSON.parse(pool.labels), ...JSON.parse(labels)]);
    return wanted.every((label) => has.has(label));
  });
  if (able.length === 0)
    return {
      reason: "no_runner_with_labels",
      ahead,
      text: `No live runner of pool "${pool.name}" has all of the labels ${wanted.join(", ")}. Set WSRUNNER_LABELS on one, or take the labels out of the agent's binding.`,
    };
  if (able.every(({ draining, drain_asked }) => draining === 1 || drain_asked === 1))
    return {
      reason: "draining",
      ahead,
      text: `Every runner of pool "${pool.name}" that could take it is draining. It starts when one takes work again or another joins.`,
    };
  if (run.not_before_ms !== null && run.not_before_ms > (await readNowMs(database)))
    return { reason: "forge_busy", ahead, text: run.detail ?? "Its forge asks to wait." };
  const held = await countHeld(db, run.pool_id);
  if (held >= pool.max_running) {
    return {
      reason: "pool_full",
      ahead,
      text: `Pool "${pool.name}" runs ${held} of at most ${pool.max_running}; this run starts when one of them ends.`,
    };
  }
  const hosts = able.filter(
    ({ kind, draining, drain_asked }) => kind === "host" && draining + drain_asked === 0,
  );
  if (hosts.length > 0 && (await areFull(db, hosts)))
    return {
      reason: "runners_full",
      ahead,
      text: `${hosts.length === 1 ? "The runner" : `All ${hosts.length} runners`} of pool "${pool.name}" that could take it ${hosts.length === 1 ? "is" : "are"} busy. It starts when one has a free place; WSRUNNER_CAPACITY or another host gives more.`,
    };
  return ahead > 0
    ? {
        reason: "behind_others",
        ahead,
        text: `${ahead} ${ahead === 1 ? "run was" : "runs were"} queued earlier in pool "${pool.name}".`,
      }
    : {
        reason: "next",
        ahead,
        text: `Next in line in pool "${pool.name}"; it starts when a runner is free.`,
      };
}

async function areFull(db: Queries, hosts: readonly { id: number; capacity: number }[]): Promise<boolean> {
  const rows = await db
    .selectFrom("runs")
    .select((eb) => ["runner_id", eb.fn.countAll<number>().as("held")])
    .where(
      "runner_id",
      "in",
      hosts.map(({ id }) => id),
    )
    .where("status", "=", sql.lit("running"))
    .where("lease_expires_at_ms", "is not", null)
    .groupBy("runner_id")
    .execute();
  return hosts.every(({ id, capacity }) => (rows.find((row) => row.runner_id === id)?.held ?? 0) >= capacity);
}

async function readNowMs(database: Database): Promise<number> {
  const now = dbNowMs(database.engine).as("now");
  return (await database.kysely.selectNoFrom(now).executeTakeFirstOrThrow()).now;
}

function noRunnerText(pool: string): string {
  return pool === "local"
    ? "No runner is alive. Confirm that CODING_AGENT_RUNNER_IMAGE is set on the server, that the Docker daemon can be reached and that it has the image; then restart the server. `windshift doctor` checks each."
    : `No runner of pool "${pool}" is alive. Start windshift-runner on a host of this pool and confirm WSRUNNER_IMAGE there.`;
}
