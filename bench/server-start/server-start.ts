import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { setUpServer } from "@windshift/testing/workspace-builder.ts";
import { AGENT_IMAGE } from "../../scripts/image.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure } from "../figure.ts";
import { compilePrograms } from "../programs.ts";
import { residentMb } from "./memory.ts";
import { timeReady } from "./readiness.ts";

const START_ROUNDS = 11;
const MEMORY_ROUNDS = 3;
/** How long a server is left alone before its memory counts as idle, ms. */
const IDLE_MS = 10_000;
/** Bars. Source: PERFORMANCE, "Main job". */
const READY_MS_MAX = 300;
const IDLE_MB_MAX = 90;

const ADMIN = { name: "Ada", email: "ada@example.test", password: "correct horse battery staple" };

export const serverStart: Bench = {
  name: "server-start",
  about: "from the start of the compiled server to ready, and its memory when idle",
  async run(report) {
    using dir = tempDir();
    const { server } = await compilePrograms(join(dir.path, "bin"), report);
    await measureStarts(report, dir, server);
    await measureMemory(report, dir, server);
  },
};

/** A new folder each time, and in turn one that an earlier start has migrated. The first start of each warms up. */
async function measureStarts(report: BenchReport, dir: TempDir, program: string): Promise<void> {
  const fresh: number[] = [];
  const migrated: number[] = [];
  for (let round = 0; round <= START_ROUNDS; round++) {
    fresh.push(await timeStart(program, join(dir.path, `fresh-${round}`)));
    migrated.push(await timeStart(program, join(dir.path, "fresh-0")));
    report.progress(
      `start ${round}: ${fresh.at(-1)?.toFixed(0)} ms fresh, ${migrated.at(-1)?.toFixed(0)} ms`,
    );
  }
  const bar = { bench: "server-start", unit: "ms", bar: READY_MS_MAX } as const;
  report.figure(absoluteFigure({ ...bar, metric: "start to ready, fresh data folder" }, fresh.slice(1)));
  report.figure(
    absoluteFigure({ ...bar, metric: "start to ready, migrated data folder" }, migrated.slice(1)),
  );
}

async function timeStart(program: string, dataDir: string): Promise<number> {
  const started = await start(program, dataDir);
  await started.stop();
  return started.readyMs;
}

async function measureMemory(report: BenchReport, dir: TempDir, program: string): Promise<void> {
  const idle: number[] = [];
  const signedIn: number[] = [];
  for (let round = 0; round < MEMORY_ROUNDS; round++) {
    report.progress(`memory ${round}: the server is left alone for ${IDLE_MS / 1_000} s, twice`);
    // With its runner, which waits for work: the product on one machine. An engine is not needed for that.
    const runner = { CODING_AGENT_RUNNER_IMAGE: AGENT_IMAGE };
    const server = await start(program, join(dir.path, `memory-${round}`), runner);
    try {
      await Bun.sleep(IDLE_MS);
      idle.push(await residentMb(server.pid));
      await setUpServer(new ApiClient(server.url), ADMIN);
      await Bun.sleep(IDLE_MS);
      signedIn.push(await residentMb(server.pid));
    } finally {
      await server.stop();
    }
  }
  const bar = { bench: "server-start", unit: "MB", bar: IDLE_MB_MAX } as const;
  report.figure(absoluteFigure({ ...bar, metric: "idle RSS" }, idle));
  report.figure(absoluteFigure({ ...bar, metric: "idle RSS after a sign-in" }, signedIn));
}

async function start(program: string, dataDir: string, more: Record<string, string> = {}) {
  mkdirSync(dataDir, { recursive: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    PATH: process.env.PATH ?? "",
    BASE_URL: url,
    WINDSHIFT_DATA: dataDir,
    WINDSHIFT_HOST: "127.0.0.1",
    WINDSHIFT_PORT: String(port),
    ...more,
  };
  const { readyMs, child } = await timeReady(program, url, env);
  const stop = async () => {
    child.kill("SIGTERM");
    await child.exited;
  };
  return { url, readyMs, pid: child.pid, stop };
}
