import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { Pool } from "@windshift/contract/api/pool.ts";
import type { ServerProcess } from "@windshift/testing/server-process.ts";
import { setUpServer } from "@windshift/testing/workspace-builder.ts";
import { openDatabase } from "../../apps/server/src/db/database.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { onBenchServer } from "../bench-server.ts";
import { absoluteFigure } from "../figure.ts";
import { residentMb } from "../server-start/memory.ts";

/** Bars. Source: PERFORMANCE, "Queue and runners": 1,000 idle runners at less than a tenth of a core and 60 KB each. */
const HOSTS = 1_000;
const CPU_MS_PER_S_MAX = 100;
const KB_PER_HOST_MAX = 60;
/** Two rounds of the longest wait, so that every host has asked at least twice, ms. */
const WATCHED_MS = 50_000;
/** Time for the hosts to be there and the server to come to rest, ms. */
const SETTLE_MS = 10_000;
/** Clock ticks of /proc/<pid>/stat, ms. */
const TICK_MS = 10;

const ADMIN = { name: "Ada", email: "ada@example.test", password: "correct horse battery staple" };

export const fleet: Bench = {
  name: "fleet",
  about: "what a thousand idle runner hosts cost one server: processor and memory",
  run: (report) => onBenchServer(report, ({ server, dataDir }) => measure(report, server, dataDir)),
};

async function measure(report: BenchReport, server: ServerProcess, dataDir: string): Promise<void> {
  const api = new ApiClient(server.url);
  await setUpServer(api, ADMIN);
  const pool = await api.post("/api/v1/admin/pools", { name: "fleet" }, Pool);
  const credentials = await insertHosts(dataDir, pool.id, HOSTS);
  const before = await residentMb(server.pid);
  const over = new AbortController();
  const hosts = credentials.map((credential) => idle(server.url, credential, over.signal));
  report.progress(`${HOSTS} hosts wait for work`);
  await Bun.sleep(SETTLE_MS);
  const cpuBefore = cpuMs(server.pid);
  const startedMs = performance.now();
  await Bun.sleep(WATCHED_MS);
  const perS = (cpuMs(server.pid) - cpuBefore) / ((performance.now() - startedMs) / 1_000);
  const after = await residentMb(server.pid);
  over.abort();
  await Promise.all(hosts);
  const subject = { bench: "fleet" } as const;
  report.figure(
    absoluteFigure(
      {
        ...subject,
        metric: `processor time a second, ${HOSTS} idle hosts`,
        unit: "ms",
        bar: CPU_MS_PER_S_MAX,
      },
      [perS],
    ),
  );
  report.figure(
    absoluteFigure(
      { ...subject, metric: "memory of an idle host", unit: "bytes", bar: KB_PER_HOST_MAX * 1_000 },
      [((after - before) * 1_000_000) / HOSTS],
    ),
  );
}

/** Hosts that have registered before, and what each shows; straight into the database, as registration is not what is measured. */
export async function insertHosts(dataDir: string, pool: number, count: number): Promise<string[]> {
  const database = await openDatabase({ url: undefined, sqliteFile: join(dataDir, "windshift.db") });
  try {
    return await database.transaction(async (tx) => {
      const credentials: string[] = [];
      for (let at = 0; at < count; at++) {
        const { id } = await tx
          .insertInto("runners")
          .values({
            pool_id: pool,
            name: `host-${at}`,
            kind: "host",
            instance: randomBytes(6).toString("hex"),
            boot: "",
            last_seen_at_ms: 0,
          })
          .returning("id")
          .executeTakeFirstOrThrow();
        const credential = `wsrc_${randomBytes(32).toString("base64url")}`;
        await tx
          .insertInto("runner_credentials")
          .values({
            runner_id: id,
            token_hash: createHash("sha256").update(credential).digest("hex"),
            created_at_ms: Date.now(),
            first_used_at_ms: Date.now(),
            expires_at_ms: null,
          })
          .execute();
        credentials.push(credential);
      }
      return credentials;
    });
  } finally {
    await database.close();
  }
}

/** A host that has nothing to do: one claim after the other, each as long as the server keeps it waiting. */
async function idle(url: string, credential: string, signal: AbortSignal): Promise<void> {
  const state = {
    boot: randomBytes(16).toString("hex"),
    version: "0.1.0",
    capacity: 1,
    labels: [],
    claim_key: randomBytes(16).toString("hex"),
    api_url: `${url}/api`,
    isolation: "container",
  };
  await Bun.sleep(Math.random() * (SETTLE_MS / 2)); // hosts do not start in the same moment
  while (!signal.aborted) {
    await fetch(`${url}/api/runner/claim?wait=25s`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${credential}` },
      body: JSON.stringify(state),
      signal,
    })
      .then((response) => response.text())
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
  }
}

/** Processor time that a process has taken, all its threads, ms. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
