import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { AgentRun } from "@windshift/contract/api/run.ts";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { type ServerProcess, serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { type BuiltWorkspace, buildWorkspace, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import { ADMIN } from "../product.ts";
import { type CatchAll, startCatchAll } from "./catch-all.ts";
import { createFencedNetwork } from "./fenced-network.ts";
import { plantOnHost } from "./host-secrets.ts";
import { type HostileModel, LISTENING_PORT, startHostileModel } from "./hostile-model.ts";
import { startOtherWorkspace } from "./other-workspace.ts";
import { installPipelines } from "./pipelines.ts";
import { PlantedSecrets } from "./planted-secrets.ts";
import { type RecordingProxy, startRecordingProxy } from "./recording-proxy.ts";

/** All hostile runs at once, beside the one they attack. */
const WORKERS = 8;

/** A server with its runner, on a network from which agents reach it and nothing else. */
interface Ground {
  api: ApiClient;
  server: ServerProcess;
  logFile: string;
  dataDir: string;
  network: { name: string; gateway: string };
  secrets: PlantedSecrets;
}

/** A whole installation with something to steal, everything that leaves it recorded. */
export interface Stage extends Omit<Ground, "dataDir" | "network"> {
  workspace: BuiltWorkspace;
  catchAll: CatchAll;
  /** Stands before the provider, and says what the scripts of the runs say. */
  model: HostileModel;
  /** Stands before the forge. */
  forge: RecordingProxy;
  /** The bare repository at the forge. */
  repositoryDir: string;
  providerKey: string;
  forgeToken: string;
  /** The run that others try to reach; it works on until the stage is closed. */
  victimRun: number;
  /** A file that hooks would make on this machine. */
  marker: string;
  /** Values for `{name}` in the attempts. */
  values: Record<string, string>;
  close(): Promise<void>;
}

/** What is to be ended, newest last. */
type Undo = (() => unknown)[];

/** Builds it part by part; what is there already is taken down again when a later part fails. */
export async function openStage(): Promise<Stage> {
  const undo: Undo = [];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return { ...(await build(undo)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(undo: Undo): Promise<Omit<Stage, "close">> {
  const secrets = new PlantedSecrets();
  const catchAll = await startCatchAll();
  undo.push(() => catchAll.stop());
  const host = tempDir();
  undo.push(() => host.remove());
  const { dataDir, network, ...ground } = await openGround(secrets, undo);
  const { api, server } = ground;
  const providerKey = secrets.plant("key of the provider");
  const model = await startHostileModel(providerKey);
  undo.push(() => model.stop());
  const llm = { baseUrl: model.url, apiKey: providerKey, model: "scripted-model" };
  const { forge, ...home } = await openHome(api, llm, secrets, undo);
  const second = await home.workspace.createItem({ title: "Nothing to do here", description: "" }, false);
  const there = { llm, network: network.name, dir: host.path, secrets };
  const other = await startOtherWorkspace(api, there);
  undo.push(() => api.post(`/api/v1/agent-runs/${other.run}/cancel`, { force: true }, AgentRun));
  const planted = await plantOnHost(api, { dir: host.path, dataDir, url: server.url, secrets });
  const marker = join(host.path, "marker");
  return {
    ...{ ...ground, ...home, forge, catchAll, model, providerKey, marker },
    victimRun: other.run,
    values: {
      ...{ ...planted, dataDir, marker },
      gateway: network.gateway,
      otherAddress: await openAddress(),
      sinkPort: String(catchAll.port),
      forgePort: new URL(forge.url).port,
      serverPid: String(server.pid),
      victimAddress: other.address,
      victimPort: String(LISTENING_PORT),
      otherRun: String(other.run),
      otherItem: other.itemKey,
      otherOid: other.oid,
      secondItem: second.key,
    },
  };
}

async function openGround(secrets: PlantedSecrets, undo: Undo): Promise<Ground> {
  const database = await createDatabase(process.env);
  undo.push(() => database.drop());
  const { dataDir, url: databaseUrl } = database;
  const port = await freePort();
  const network = await createFencedNetwork(port);
  undo.push(() => network.remove());
  const logFile = join(dataDir, "hostile-model.log");
  const server = await startServerProcess({
    port,
    logFile,
    env: {
      ...serverEnv({ dataDir, port, containerHost: network.gateway, databaseUrl }),
      CODING_AGENT_RUNNER_IMAGE: process.env.WINDSHIFT_TEST_IMAGE || "windshift/agent:local",
      CODING_AGENT_NETWORK: network.name,
      CODING_AGENT_MEMORY: "512m",
      CODING_AGENT_WORKERS: String(WORKERS),
      WINDSHIFT_LOG_LEVEL: "debug",
      SOMETHING_OF_THE_HOST: secrets.plant("environment of the server"),
    },
  });
  undo.push(() => server.stop());
  const api = new ApiClient(server.url);
  await setUpServer(api, ADMIN);
  return { api, server, logFile, dataDir, network, secrets };
}

/** The workspace of the hostile runs, its repository on a forge that runs pipelines. */
async function openHome(
  api: ApiClient,
  llm: { baseUrl: string; apiKey: string; model: string },
  secrets: PlantedSecrets,
  undo: Undo,
): Promise<Pick<Stage, "workspace" | "forge" | "repositoryDir" | "forgeToken">> {
  const forgejo = await startForgejoServer();
  undo.push(() => forgejo.stop());
  const forge = startRecordingProxy(() => forgejo.url);
  undo.push(() => forge.stop());
  await installPipelines(forgejo.dir, secrets.plant("secret of the forge's pipelines"));
  const workspace = await buildWorkspace(api, {
    ...{ key: "EVIL", name: "Evil", repositoryName: "shop", agentName: "Agent", llm },
    projectDir: join(import.meta.dir, "repo"),
    forge: { ...forgejo, url: forge.url },
  });
  return { workspace, forge, repositoryDir: forgejo.dir, forgeToken: forgejo.tokens.full };
}

/** This machine's address on an open network, where agents have no business. */
async function openAddress(): Promise<string> {
  const { cli, network } = await dockerFixture();
  const format = "{{(index .IPAM.Config 0).Gateway}}";
  const answer = await cli.call(["network", "inspect", "--format", format, network]);
  if (answer.kind !== "ok") throw new Error(answer.message);
  return answer.stdout.trim();
}
