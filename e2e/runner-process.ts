import { join } from "node:path";
import { MintedRegistrationToken, Pool } from "@windshift/contract/api/pool.ts";
import { ensureAgentNetwork } from "@windshift/testing/agent-network.ts";
import { keepLog } from "@windshift/testing/kept-log.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import type { Product } from "./product.ts";

const IMAGE = process.env.WINDSHIFT_TEST_IMAGE || "windshift/agent:local";

/** A runner host: windshift-runner as a process of its own, with a folder of its own. */
export interface RunnerProcess {
  readonly pid: number;
  /** Resolves with the exit code when it has ended, by whatever cause. */
  readonly exited: Promise<number>;
  log(): Promise<string>;
  signal(signal: "SIGTERM" | "SIGKILL"): void;
}

export interface RunnerHost {
  pool: Pool;
  /** Everything it keeps. */
  cacheRoot: string;
  /** Starts it, again with what it has kept. */
  start(env?: Record<string, string>): RunnerProcess;
}

/** Makes a pool and a registration token; the host's first start registers it. */
export async function createRunnerHost(product: Product, name: string): Promise<RunnerHost> {
  const { api, dataDir, server } = product;
  const network = await ensureAgentNetwork("windshift-e2e", process.env);
  const pool = await api.post("/api/v1/admin/pools", { name }, Pool);
  const path = `/api/v1/admin/pools/${pool.id}/registration-tokens`;
  const { token } = await api.post(path, {}, MintedRegistrationToken);
  const cacheRoot = join(dataDir, `runner-${name}`);
  const logFile = join(dataDir, `runner-${name}.log`);
  return {
    pool,
    cacheRoot,
    start: (env = {}) => {
      keepLog(logFile);
      const child = Bun.spawn(programCommand("windshift-runner"), {
        env: {
          PATH: process.env.PATH ?? "",
          HOME: process.env.HOME ?? "",
          DOCKER_HOST: process.env.DOCKER_HOST,
          WS_API_URL: `http://${network.hostAddress}:${new URL(server.url).port}/api`,
          WSRUNNER_ALLOW_INSECURE: "1",
          WSRUNNER_REGISTRATION_TOKEN: token,
          WSRUNNER_NAME: name,
          WSRUNNER_IMAGE: IMAGE,
          WSRUNNER_NETWORK: network.name,
          WSRUNNER_MEMORY: "1g",
          WSRUNNER_CACHE_ROOT: cacheRoot,
          ...env,
        },
        detached: true,
        stdin: "ignore",
        stdout: Bun.file(logFile),
        stderr: Bun.file(logFile),
      });
      return {
        pid: child.pid,
        exited: child.exited,
        log: () => Bun.file(logFile).text(),
        signal: (signal) => child.kill(signal),
      };
    },
  };
}
