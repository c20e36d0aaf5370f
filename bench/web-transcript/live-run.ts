import { join } from "node:path";
import { EVENT_BATCH_MAX, HEARTBEAT_INTERVAL_MS } from "@windshift/contract/limits.ts";
import { createRepository } from "@windshift/testing/git-repository.ts";
import { serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import { createBenchPool } from "../bench-host.ts";

export interface BenchEvent {
  type: string;
  data: Record<string, unknown>;
}

/** A real server whose one run is live, and the runner that holds it. */
export interface LiveBenchRun {
  url: string;
  /** Path of the run's own page. */
  page: string;
  item: string;
  /** Sends events as a runner does; resolves when the server has them for good. */
  emit(events: readonly BenchEvent[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts the built server with one item whose run is held by a host that beats until `stop`.
 * @param program path of the executable
 * @param dir takes the project, the server's data and its log
 */
export async function startLiveBenchRun(program: string, dir: string): Promise<LiveBenchRun> {
  const projectDir = join(dir, "project");
  await createRepository(projectDir, { files: { "README.md": "bench\n" } });
  const port = await freePort();
  const at = { dataDir: join(dir, "data"), port, containerHost: "127.0.0.1" };
  const server = await startServerProcess({
    argv: [program],
    port,
    logFile: join(dir, "server.log"),
    env: { ...serverEnv(at), BASE_URL: `http://127.0.0.1:${port}`, CODING_AGENT_RUNNER_IMAGE: "" },
  });
  const { workspace, addHost } = await createBenchPool(server, projectDir);
  const host = await addHost(1);
  await workspace.createItem({ title: "A long run", description: "" }, true);
  const job = await host.claim();
  const held = [{ run: job.run_id, attempt: job.attempt }];
  const heart = setInterval(() => void host.beat(held), HEARTBEAT_INTERVAL_MS / 2);
  let seq = 0;
  return {
    url: server.url,
    page: `/items/BENCH-1/runs/${job.run_id}`,
    item: "/items/BENCH-1",
    emit: async (events) => {
      for (let from = 0; from < events.length; from += EVENT_BATCH_MAX) {
        const at = new Date().toISOString();
        const batch = events
          .slice(from, from + EVENT_BATCH_MAX)
          .map((event) => ({ ...event, seq: ++seq, at }));
        await host.sendEvents(job, batch);
      }
    },
    stop: async () => {
      clearInterval(heart);
      await server.stop();
    },
  };
}
