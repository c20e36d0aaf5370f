import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { ApiTokenWithSecret } from "@windshift/contract/api/token.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { HEARTBEAT_INTERVAL_MS } from "@windshift/contract/limits.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { createRepository } from "@windshift/testing/git-repository.ts";
import type { BenchReport } from "../bench.ts";
import { ADMIN, type BenchHost, createBenchPool } from "../bench-host.ts";
import { onBenchServer } from "../bench-server.ts";
import { cpuMs } from "../queue/fleet.ts";
import { type HeldRequest, holdRequest } from "./held-request.ts";
import { type Point, reportCurve, sizesUpTo } from "./report-curve.ts";

const WATCHERS = [1, 10, 100, 1_000, 5_000];
/** Events that are sent while so many watch, each when all have the one before; fewer where they take longer than this in all, ms. */
const EVENTS = 10;
const EVENTS_MIN = 3;
const EVENTS_MS_MAX = 60_000;
/** Watchers that are opened at once. */
const OPENED_AT_ONCE = 50;
/** Until an event has come to all, ms. */
const ARRIVAL_MS_MAX = 120_000;
/** Time for the server to come to rest after watchers came, ms, and then to see what they cost while nothing happens. */
const SETTLE_MS = 2_000;
const IDLE_MS = 8_000;
/** Processor time that stands out of the ticks it is counted in, ms an event. */
const CPU_RESOLUTION_MS = 5;

/** What watchers of one run cost: from an event to all but the slowest hundredth of them, and the server's processor for it and while nothing happens. */
export async function growWatchers(report: BenchReport): Promise<void> {
  await onBenchServer(report, async ({ server, port, dir }) => {
    const projectDir = join(dir, "project");
    await createRepository(projectDir, { files: { "README.md": "bench\n" } });
    const pool = await createBenchPool(server, projectDir);
    const host = await pool.addHost(1);
    await pool.workspace.createItem({ title: "Watched", description: "" }, true);
    const job = await host.claim();
    // One that is late on a machine that has much to do is made up for by the next.
    const beat = () => host.beat([{ run: job.run_id, attempt: job.attempt }]).catch(() => {});
    const heart = setInterval(() => void beat(), HEARTBEAT_INTERVAL_MS / 2);
    const token = await mintToken(server.url);
    const watchers: Watcher[] = [];
    const latency: Point[] = [];
    const cpu: Point[] = [];
    const idle: Point[] = [];
    try {
      let seq = 0;
      for (const size of sizesUpTo(WATCHERS, report)) {
        while (watchers.length < size) {
          const count = Math.min(OPENED_AT_ONCE, size - watchers.length);
          const more = Array.from({ length: count }, () => watch(port, job.run_id, token, seq));
          watchers.push(...(await Promise.all(more)));
        }
        await eventually("all watch", () => watchers.every((one) => one.watches()), ARRIVAL_MS_MAX);
        await Bun.sleep(SETTLE_MS);
        const idleMsPerS = await idleCpu(server.pid);
        const startedMs = performance.now();
        const before = cpuMs(server.pid);
        const times: number[] = [];
        let sent = 0;
        const isEnough = () => sent >= EVENTS_MIN && performance.now() - startedMs > EVENTS_MS_MAX;
        for (; sent < EVENTS && !isEnough(); sent++)
          times.push(...(await timeEvent(host, job, ++seq, watchers)));
        const restMs = (idleMsPerS * (performance.now() - startedMs)) / 1_000;
        const p99 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
        latency.push({ size, samples: [p99] });
        cpu.push({ size, samples: [Math.max(0, cpuMs(server.pid) - before - restMs) / sent] });
        idle.push({ size, samples: [idleMsPerS] });
        report.progress(`${size} watchers: ${p99.toFixed(0)} ms`);
      }
    } finally {
      clearInterval(heart);
      for (const one of watchers) one.close();
    }
    const shape = { unit: "ms", of: "watchers", costOf: "all" } as const;
    reportCurve(report, "an event to its watchers, p99", shape, latency);
    const ofCpu = { ...shape, resolution: CPU_RESOLUTION_MS };
    reportCurve(report, "processor time of an event", ofCpu, cpu);
    reportCurve(report, "processor time a second while nothing happens", ofCpu, idle);
  });
}

/** @returns processor time of a second, ms */
async function idleCpu(pid: number): Promise<number> {
  const before = cpuMs(pid);
  const startedMs = performance.now();
  await Bun.sleep(IDLE_MS);
  return (cpuMs(pid) - before) / ((performance.now() - startedMs) / 1_000);
}

async function mintToken(url: string): Promise<string> {
  const api = new ApiClient(url);
  await api.signIn(ADMIN.email, ADMIN.password);
  const made = await api.post("/api/v1/tokens", { name: "watch", scopes: ["read"] }, ApiTokenWithSecret);
  return made.token;
}

/** @returns ms from the moment an event is sent until each watcher has it */
async function timeEvent(
  host: BenchHost,
  job: JobSpec,
  seq: number,
  watchers: readonly Watcher[],
): Promise<number[]> {
  const startedMs = performance.now();
  const event = { seq, at: new Date().toISOString(), type: "stdout", data: { text: `event ${seq}\n` } };
  await host.sendEvents(job, [event]);
  await eventually("all have the event", () => watchers.every((one) => one.seq() >= seq), ARRIVAL_MS_MAX);
  return watchers.map((one) => one.arrivedAtMs() - startedMs);
}

interface Watcher {
  /** Its stream has begun. */
  watches(): boolean;
  /** Number of the newest event it has. */
  seq(): number;
  arrivedAtMs(): number;
  close(): void;
}

async function watch(port: number, run: number, token: string, fromSeq: number): Promise<Watcher> {
  let began = false;
  let seq = fromSeq;
  let arrivedAtMs = 0;
  let rest = "";
  let ended: string | undefined;
  const held: HeldRequest = await holdRequest(port, {
    data: (text) => {
      rest += text;
      began ||= rest.includes("event: run");
      if (/^HTTP\/1\.1 [345]/.test(rest)) ended = rest.slice(0, 200);
      const at = rest.lastIndexOf("\n\n");
      if (at === -1) return;
      for (const [, number] of rest.slice(0, at).matchAll(/"seq":(\d+)/g)) {
        seq = Math.max(seq, Number(number));
        arrivedAtMs = performance.now();
      }
      rest = rest.slice(at);
    },
    closed: () => {
      ended ??= "the connection was closed";
    },
  });
  held.send(
    [
      `GET /api/v1/agent-runs/${run}/events/stream HTTP/1.1`,
      `host: 127.0.0.1:${port}`,
      `authorization: Bearer ${token}`,
      "accept: text/event-stream",
      "",
      "",
    ].join("\r\n"),
  );
  return {
    watches: () => {
      if (ended !== undefined) throw new Error(`a watcher sees nothing: ${ended}`);
      return began;
    },
    seq: () => seq,
    arrivedAtMs: () => arrivedAtMs,
    close: () => held.close(),
  };
}
