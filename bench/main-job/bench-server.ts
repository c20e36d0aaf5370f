import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { ensureAgentNetwork } from "@windshift/testing/agent-network.ts";
import { type ServerProcess, serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { type Administrator, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import type { EngineImage } from "./floor.ts";

export const ADMIN: Administrator = {
  name: "Ada",
  email: "ada@example.test",
  password: "correct horse battery staple",
};

/** A compiled server that executes runs itself, on SQLite, and its administrator's session. */
export interface BenchServer {
  api: ApiClient;
  process: ServerProcess;
  /** Folder of the checkouts of runs. */
  worktreeRoot: string;
}

/**
 * Starts the built server with its own runner on a free port, and signs in its first administrator.
 * @param program path of the executable
 */
export async function startBenchServer(
  program: string,
  dataDir: string,
  engine: EngineImage,
): Promise<BenchServer> {
  const network = await ensureAgentNetwork("windshift-bench", process.env);
  const port = await freePort();
  const env = serverEnv({ dataDir, port, containerHost: network.hostAddress });
  const server = await startServerProcess({
    argv: [program],
    port,
    logFile: join(dataDir, "server.log"),
    env: {
      ...env,
      CODING_AGENT_RUNNER_IMAGE: engine.image,
      CODING_AGENT_NETWORK: network.name,
      CODING_AGENT_DOCKER_BINARY: engine.docker,
      CODING_AGENT_MEMORY: "1g",
    },
  });
  const api = new ApiClient(server.url);
  await setUpServer(api, ADMIN);
  return { api, process: server, worktreeRoot: env.CODING_AGENT_WORKTREE_ROOT };
}
