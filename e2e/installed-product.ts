import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { Binding } from "@windshift/contract/api/binding.ts";
import { MintedRegistrationToken, Pool } from "@windshift/contract/api/pool.ts";
import { type AgentNetwork, ensureAgentNetwork } from "@windshift/testing/agent-network.ts";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { type ScriptedModel, startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type ServerProcess, serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { type BuiltWorkspace, buildWorkspace, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { freshProgram } from "../scripts/build/fresh-program.ts";
import {
  type Architecture,
  hostArchitecture,
  RUNNER_PROGRAMS,
  SERVER_PROGRAM,
} from "../scripts/build/programs.ts";
import { freePort } from "../scripts/setup/free-port.ts";
import { ADMIN } from "./product.ts";

const KEY = "provider-key-of-the-installation-test";

/** The compiled server, as it is installed: hosts reach it at its BASE_URL, and it has the compiled runner to give away. */
export interface InstalledProduct {
  api: ApiClient;
  baseUrl: string;
  network: AgentNetwork;
  workspace: BuiltWorkspace;
  /** A pool that takes the workspace's runs from now on, and a token for a runner of it. */
  mint(pool: string): Promise<MintedRegistrationToken>;
  /** What the server logged last. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

/** @param architecture of the programs; another than this machine's must run here (scripts/image/foreign-machine.ts) */
export async function startInstalledProduct(
  name: string,
  architecture: Architecture = hostArchitecture(),
): Promise<InstalledProduct> {
  const silent = () => undefined;
  for (const program of RUNNER_PROGRAMS) await freshProgram(program, architecture, silent);
  const argv = [await freshProgram(SERVER_PROGRAM, architecture, silent)];
  const [scenario] = readScenarios(join(import.meta.dir, "scenarios"));
  if (scenario === undefined) throw new Error("there are no scenarios");
  const database = await createDatabase(process.env);
  const network = await ensureAgentNetwork("windshift-e2e", process.env);
  const port = await freePort();
  const baseUrl = `http://${network.hostAddress}:${port}`;
  const { dataDir, url: databaseUrl } = database;
  const env = {
    ...serverEnv({ dataDir, port, containerHost: network.hostAddress, databaseUrl }),
    BASE_URL: baseUrl,
  };
  const server: ServerProcess = await startServerProcess({
    argv,
    port,
    logFile: join(dataDir, `${name}.log`),
    env: { ...env, CODING_AGENT_RUNNER_IMAGE: "" },
  });
  const api = new ApiClient(baseUrl);
  await setUpServer(api, ADMIN);
  const model: ScriptedModel = await startScriptedModel({ script: scenario.model, apiKey: KEY });
  const workspace = await buildWorkspace(api, {
    key: "HOST",
    name: "Host",
    projectDir: scenario.projectDir,
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: model.url, apiKey: KEY, model: "scripted-model" },
  });
  return {
    api,
    baseUrl,
    network,
    workspace,
    mint: (pool) => mintToken(api, pool),
    log: () => server.logTail(),
    stop: async () => {
      await server.stop();
      await model.stop();
      await database.drop();
    },
  };
}

async function mintToken(api: ApiClient, name: string): Promise<MintedRegistrationToken> {
  const pool = await api.post("/api/v1/admin/pools", { name }, Pool);
  const { bindings } = await api.get(
    "/api/v1/workspaces/HOST/bindings",
    z.object({ bindings: z.array(Binding) }),
  );
  for (const { id } of bindings) await api.patch(`/api/v1/bindings/${id}`, { pool: name }, Binding);
  return api.post(`/api/v1/admin/pools/${pool.id}/registration-tokens`, {}, MintedRegistrationToken);
}
