import { expect, test } from "bun:test";
import { AttemptResult } from "@windshift/contract/job.ts";
import type { JobEnd } from "@windshift/execution/job.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { HostMetrics } from "./host-metrics.ts";

const RESULT = AttemptResult.parse({
  attempt: 1,
  isolation: "container",
  outcome: "completed",
  summary: "",
  failure: null,
  base_oid: null,
  head_oid: null,
  exit_code: 0,
});

/** Lines of one figure, without those of a histogram's single bounds. */
async function linesOf({ registry }: HostMetrics, name: string): Promise<string[]> {
  const lines = (await registry.metrics()).split("\n");
  return lines.filter((line) => line.startsWith(`windshift_runner_${name}`) && !line.includes("_bucket"));
}

test("jobs are counted by how and why they ended, and the time of each of their phases once", async () => {
  using dir = tempDir();
  const load = () => ({ held: 2, capacity: 3, draining: true });
  const metrics = new HostMetrics({ load, spoolDir: dir.path });
  const ends: [string, JobEnd | undefined][] = [
    ["1-1", { kind: "reported", result: RESULT }],
    ["2-1", { kind: "undelivered", result: { ...RESULT, failure: { reason: "oom", detail: "of memory" } } }],
    ["3-1", { kind: "lease_lost" }],
    ["4-1", undefined],
  ];
  for (const [key, end] of ends) {
    metrics.phase(key, "preparing");
    metrics.phase(key, "agent");
    metrics.jobEnded(key, end);
  }
  expect((await linesOf(metrics, "jobs_total")).sort()).toEqual([
    'windshift_runner_jobs_total{end="error",reason="internal"} 1',
    'windshift_runner_jobs_total{end="lease_lost",reason="none"} 1',
    'windshift_runner_jobs_total{end="reported",reason="completed"} 1',
    'windshift_runner_jobs_total{end="undelivered",reason="oom"} 1',
  ]);
  const phases = await linesOf(metrics, "phase_seconds_count");
  expect(phases.sort()).toEqual([
    'windshift_runner_phase_seconds_count{phase="agent"} 4',
    'windshift_runner_phase_seconds_count{phase="preparing"} 4',
  ]);
  expect(await linesOf(metrics, "held")).toEqual(["windshift_runner_held 2"]);
  expect(await linesOf(metrics, "capacity")).toEqual(["windshift_runner_capacity 3"]);
  expect(await linesOf(metrics, "draining")).toEqual(["windshift_runner_draining 1"]);
});

test("claims are counted by what came of them, with the time they took, and the cache is as large as at the last look", async () => {
  using dir = tempDir();
  const metrics = new HostMetrics({
    load: () => ({ held: 0, capacity: 1, draining: false }),
    spoolDir: dir.path,
  });
  metrics.claimed("job", 100);
  metrics.claimed("none", 25_000);
  metrics.claimed("none", 25_000);
  metrics.cacheSize(4_096);
  expect(await linesOf(metrics, "claims_total")).toEqual([
    'windshift_runner_claims_total{result="job"} 1',
    'windshift_runner_claims_total{result="none"} 2',
    'windshift_runner_claims_total{result="failed"} 0',
  ]);
  expect(await linesOf(metrics, "claim_wait_seconds")).toEqual([
    "windshift_runner_claim_wait_seconds_sum 50.1",
    "windshift_runner_claim_wait_seconds_count 3",
  ]);
  expect(await linesOf(metrics, "cache_bytes")).toEqual(["windshift_runner_cache_bytes 4096"]);
});
