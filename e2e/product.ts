import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { ensureAgentNetwork } from "@windshift/testing/agent-network.ts";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { type ServerProcess, serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { type Administrator, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { freePort } from "../scripts/setup/free-port.ts";

/** The whole product on one machine: a real server with its runner, on the chosen database, with real containers. */
export interface EmptyProduct {
  server: ServerProcess;
  dataDir: string;
  /** Starts the server again after it was stopped or killed; on the same data and port. */
  restart(env?: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}
export interface Product extends EmptyProduct {
  /** Signed in as the administrator. */
  api: ApiClient;
}

export const ADMIN: Administrator = {
  name: "Ada",
  email: "ada@example.test",
  password: "correct horse battery staple",
};
const IMAGE = process.env.WINDSHIFT_TEST_IMAGE || "windshift/agent:local";

/** @param name of the test file, for the log */
export async function startProduct(name: string, env: Record<string, string> = {}): Promise<Product> {
  const product = await startEmptyProduct(name, env);
  const api = new ApiClient(product.server.url);
  await setUpServer(api, ADMIN);
  return Object.assign(product, { api });
}

/** The same as it is after the installation: with nobody in it. */
export async function startEmptyProduct(
  name: string,
  env: Record<string, string> = {},
): Promise<EmptyProduct> {
  const database = await createDatabase(process.env);
  const network = await ensureAgentNetwork("windshift-e2e", process.env);
  const port = await freePort();
  const logFile = join(database.dataDir, `${name}.log`);
  const start = (more: Record<string, string> = {}) =>
    startServerProcess({
      port,
      logFile,
      env: {
        ...serverEnv({
          dataDir: database.dataDir,
          port,
          containerHost: network.hostAddress,
          databaseUrl: database.url,
        }),
        CODING_AGENT_RUNNER_IMAGE: IMAGE,
        CODING_AGENT_NETWORK: network.name,
        CODING_AGENT_MEMORY: "1g",
        ...env,
        ...more,
      },
    });
  const product: EmptyProduct = {
    server: await start(),
    dataDir: database.dataDir,
    restart: async (more) => {
      product.server = await start(more);
    },
    stop: async () => {
      await product.server.stop();
      if (process.env.WINDSHIFT_TEST_LOGS)
        await Bun.write(join(process.env.WINDSHIFT_TEST_LOGS, `${name}.log`), Bun.file(logFile));
      await database.drop();
    },
  };
  return product;
}
