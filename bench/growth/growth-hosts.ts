import { randomBytes } from "node:crypto";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { Pool } from "@windshift/contract/api/pool.ts";
import { setUpServer } from "@windshift/testing/workspace-builder.ts";
import type { BenchReport } from "../bench.ts";
import { ADMIN } from "../bench-host.ts";
import { onBenchServer } from "../bench-server.ts";
import { cpuMs, insertHosts } from "../queue/fleet.ts";
import { residentMb } from "../server-start/memory.ts";
import { type HeldRequest, holdRequest } from "./held-request.ts";
import { type Point, reportCurve, sizesUpTo } from "./report-curve.ts";

const HOSTS = [10, 100, 1_000, 5_000];
/** Connections that are opened at once. */
const OPENED_AT_ONCE = 100;
/** Time for the hosts to be there and the server to come to rest, ms. */
const SETTLE_MS = 8_000;
/** More than one round of the longest wait, so that every host has asked again, ms. */
const WATCHED_MS = 30_000;
/** Processor time that stands out of the ticks it is counted in and of the server's own, ms a second. */
const CPU_RESOLUTION_MS = 2;
/** Memory that stands out of what the server's collector leaves lying, MB. */
const MEMORY_RESOLUTION_MB = 5;

/** What idle runner hosts, each waiting for work on a long poll, cost a server: processor and memory. */
export async function growHosts(report: BenchReport): Promise<void> {
  await onBenchServer(report, async ({ server, dataDir, port }) => {
    const api = new ApiClient(server.url);
    await setUpServer(api, ADMIN);
    const pool = await api.post("/api/v1/admin/pools", { name: "fleet" }, Pool);
    const credentials = await insertHosts(dataDir, pool.id, HOSTS.at(-1) ?? 0);
    await Bun.sleep(SETTLE_MS);
    const alone = { cpu: await cpuPerS(server.pid), mb: await residentMb(server.pid) };
    const hosts: IdleHost[] = [];
    const cpu: Point[] = [];
    const memory: Point[] = [];
    for (const size of sizesUpTo(HOSTS, report)) {
      while (hosts.length < size) {
        const more = credentials.slice(hosts.length, Math.min(size, hosts.length + OPENED_AT_ONCE));
        hosts.push(...(await Promise.all(more.map((credential) => startIdleHost(port, credential)))));
      }
      await Bun.sleep(SETTLE_MS);
      cpu.push({ size, samples: [Math.max(0, (await cpuPerS(server.pid)) - alone.cpu)] });
      memory.push({ size, samples: [Math.max(0, (await residentMb(server.pid)) - alone.mb)] });
      const wrong = hosts.find((host) => host.problem() !== undefined);
      if (wrong !== undefined) throw new Error(`a host was not kept waiting: ${wrong.problem()}`);
    }
    for (const host of hosts) host.stop();
    const shape = { of: "idle hosts", costOf: "all" } as const;
    const ofCpu = { ...shape, unit: "ms", resolution: CPU_RESOLUTION_MS } as const;
    reportCurve(report, "processor time a second", ofCpu, cpu);
    const ofMemory = { ...shape, unit: "MB", resolution: MEMORY_RESOLUTION_MB } as const;
    reportCurve(report, "memory", ofMemory, memory);
  });
}

async function cpuPerS(pid: number): Promise<number> {
  const before = cpuMs(pid);
  const startedMs = performance.now();
  await Bun.sleep(WATCHED_MS);
  return (cpuMs(pid) - before) / ((performance.now() - startedMs) / 1_000);
}

interface IdleHost {
  /** What it was told instead of being kept waiting. */
  problem(): string | undefined;
  stop(): void;
}

/** One claim after the other, each as long as the server keeps it waiting. */
async function startIdleHost(port: number, credential: string): Promise<IdleHost> {
  const body = JSON.stringify({
    boot: randomBytes(16).toString("hex"),
    version: "0.1.0",
    capacity: 1,
    labels: [],
    claim_key: randomBytes(16).toString("hex"),
    api_url: `http://127.0.0.1:${port}/api`,
    isolation: "container",
  });
  const request = [
    "POST /api/runner/claim?wait=25s HTTP/1.1",
    `host: 127.0.0.1:${port}`,
    `authorization: Bearer ${credential}`,
    "content-type: application/json",
    `content-length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
  let problem: string | undefined;
  let stopped = false;
  let held: HeldRequest | undefined;
  held = await holdRequest(port, {
    data: (text) => {
      if (text.startsWith("HTTP/1.1 200 ")) held?.send(request);
      else if (/^HTTP\/1\.1 \d/.test(text)) problem ??= text.slice(0, 200);
    },
    closed: () => {
      if (!stopped) problem ??= "the connection was closed";
    },
  });
  held.send(request);
  return {
    problem: () => problem,
    stop: () => {
      stopped = true;
      held?.close();
    },
  };
}
