import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { Attempt, RunId } from "@windshift/contract/ids.ts";
import { type ServerProcess, serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { buildWorkspace, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { openDatabase } from "../../apps/server/src/db/database.ts";
import { Grants } from "../../apps/server/src/runs/grants.ts";
import { createRunTokens } from "../../apps/server/src/runs/run-tokens.ts";
import { freePort } from "../../scripts/setup/free-port.ts";

const ADMIN = { name: "Ada", email: "ada@example.test", password: "correct horse battery staple" };
/** Longer than any benchmark, ms. */
const LEASE_MS = 24 * 3_600_000;

/** Runs that calls are spread over: a thousand streams at once, of which each run may have sixteen. */
const BENCH_RUNS = 64;

/** A compiled server on SQLite with runs that agents could be working on, and the tokens of these runs. */
export interface BenchRun {
  server: ServerProcess;
  port: number;
  tokens: readonly string[];
}

/** Each run has a budget, so that each call is reserved and settled. No runner takes them: they are marked as claimed. */
export async function startBenchRun(
  program: string | readonly string[],
  dir: string,
  upstreamUrl: string,
  runs = BENCH_RUNS,
): Promise<BenchRun> {
  const dataDir = join(dir, "data");
  const projectDir = join(dir, "project");
  for (const path of [dataDir, projectDir]) mkdirSync(path, { recursive: true });
  writeFileSync(join(projectDir, "README.md"), "bench\n");
  const port = await freePort();
  const server = await startServerProcess({
    argv: typeof program === "string" ? [program] : program,
    port,
    logFile: join(dir, "server.log"),
    env: { ...serverEnv({ dataDir, port, containerHost: "127.0.0.1" }), CODING_AGENT_RUNNER_IMAGE: "" },
  });
  const api = new ApiClient(server.url);
  await setUpServer(api, ADMIN);
  const workspace = await buildWorkspace(api, {
    key: "BENCH",
    name: "Bench",
    projectDir,
    repositoryName: "bench",
    agentName: "Agent",
    llm: { baseUrl: upstreamUrl, apiKey: "sk-bench-0123456789", model: "bench-1", contextWindow: 200_000 },
  });
  for (let at = 0; at < runs; at++) {
    await workspace.createItem({ title: `Bench ${at}`, description: "" }, true);
  }
  return { server, port, tokens: await claimRuns(dataDir) };
}

/** Never reached, so that each call is granted; with it each one is reserved and settled. */
const BUDGET = { tokens_max: 1_000_000_000_000, cost_micros_max: null };

async function claimRuns(dataDir: string): Promise<string[]> {
  const database = await openDatabase({ url: undefined, sqliteFile: join(dataDir, "windshift.db") });
  const tokens: string[] = [];
  try {
    const runs = await database.kysely.selectFrom("runs").select(["id", "grants"]).execute();
    const lease_expires_at_ms = Date.now() + LEASE_MS;
    for (const run of runs) {
      const grants = JSON.stringify({ ...Grants.parse(JSON.parse(run.grants)), budget: BUDGET });
      await database.kysely
        .updateTable("runs")
        .set({ status: "running", attempt: 1, lease_expires_at_ms, grants })
        .where("id", "=", run.id)
        .execute();
      tokens.push((await createRunTokens(database.kysely, RunId.parse(run.id), Attempt.parse(1))).agent);
    }
    return tokens;
  } finally {
    await database.close();
  }
}
