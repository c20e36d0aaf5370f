import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "@windshift/base/clock.ts";
import { JobSpec } from "@windshift/contract/job.ts";
import { createToken } from "@windshift/contract/tokens.ts";
import { type JobDeps, type JobEnd, runJob } from "@windshift/execution/job.ts";
import { ProcessSandbox } from "@windshift/execution/process-sandbox.ts";
import { fastClock } from "./fast-clock.ts";
import { LocalCheckout } from "./local-checkout.ts";
import { MemoryControlPlane } from "./memory-control-plane.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Ten seconds of grace become 100 ms. */
const CLOCK_FACTOR = 100;
/** A minute on that clock, as long as a test may take: a busy machine must not end an agent that is to end by itself, ms. */
const WALL_CLOCK_MS = 6_000_000;

/** A job on this machine: a scripted agent as a real process, real git, a server in memory. */
export interface JobFixture {
  job: JobSpec;
  server: MemoryControlPlane;
  checkout: LocalCheckout;
  deps: JobDeps;
  log: string[];
  run(cancel?: AbortSignal): Promise<JobEnd>;
  /** A folder that goes with the fixture. */
  makeFolder(): Promise<string>;
  /** What the job left behind in the folder of the worktrees. */
  leftovers(): Promise<string[]>;
  dispose(): Promise<void>;
}

/** @param agent shell script that stands in for `windshift-agent` and speaks its JSONL */
export async function jobFixture(
  agent: string,
  over: { wallClockMs?: number; clock?: Clock } = {},
): Promise<JobFixture> {
  const root = await mkdtemp(join(tmpdir(), "windshift-job-"));
  const script = join(root, "agent.sh");
  await writeFile(script, agent);
  const homeRoot = await mkdtemp(join(root, "homes-"));
  const commands = { "windshift-agent": ["sh", script] };
  const sandbox = new ProcessSandbox({ commands, path: PATH, homeRoot });
  const checkout = await LocalCheckout.make(root, (dir) => sandbox.removeDir(dir));
  const server = new MemoryControlPlane();
  const log: string[] = [];
  const write = (message: string) => void log.push(message);
  const deps: JobDeps = {
    controlPlane: server,
    checkout,
    sandbox,
    clock: over.clock ?? fastClock(CLOCK_FACTOR),
    log: {
      info: write,
      warn: write,
      error: (message, fields) => write(`${message}: ${String(fields?.error)}`),
    },
    settings: {
      instance: "test",
      image: "none",
      allowedImages: [],
      network: "none",
      command: ["windshift-agent"],
      heartbeatMs: 5_000,
    },
  };
  const job = jobSpec(over.wallClockMs ?? WALL_CLOCK_MS);
  return {
    job,
    server,
    checkout,
    deps,
    log,
    run: (cancel = new AbortController().signal) => runJob(job, deps, { cancel }),
    makeFolder: () => mkdtemp(join(root, "folder-")),
    leftovers: async () => [
      ...(await readdir(root)).filter((name) => name.startsWith("run-")),
      ...(await readdir(homeRoot)),
    ],
    dispose: () => rm(root, { recursive: true, force: true }),
  };
}

let runs = 0;

function jobSpec(wallClockMs: number): JobSpec {
  runs++;
  return JobSpec.parse({
    run_id: runs,
    attempt: 1,
    lease_expires_at: new Date().toISOString(),
    env: { LLM_MODEL: "scripted" },
    initial_prompt: "make it so",
    image: null,
    limits: { wall_clock_ms: wallClockMs, turns: 10 },
    repo: {
      clone_url: "http://127.0.0.1:1/api/git-proxy/1/demo/demo.git",
      cache_key: "w1-c1-r1",
      base_ref: "main",
      branch: `agent-runs/run-${runs}`,
      branch_oid: null,
    },
    tokens: { agent: createToken("run"), git: createToken("run") },
  });
}
