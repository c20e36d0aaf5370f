import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { MintedRegistrationToken, Pool } from "@windshift/contract/api/pool.ts";
import { AgentRun, AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { ApiTokenWithSecret } from "@windshift/contract/api/token.ts";
import { RegisterReply } from "@windshift/contract/runner.ts";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { type ServerProcess, serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { type BuiltWorkspace, buildWorkspace, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import { ADMIN } from "../product.ts";
import { type CatchAll, startCatchAll } from "./catch-all.ts";
import { createFencedNetwork } from "./fenced-network.ts";
import { type HostileModel, startHostileModel } from "./hostile-model.ts";
import { installPipelines } from "./pipelines.ts";
import { PlantedSecrets } from "./planted-secrets.ts";
import { type RecordingProxy, startRecordingProxy } from "./recording-proxy.ts";

/** Where another run listens inside its container. */
const VICTIM_PORT = 7_777;
const STEP_MS_MAX = 60_000;
/** All hostile runs at once, beside the one they attack. */
const WORKERS = 8;

/** A whole installation with something to steal, everything that leaves it recorded. */
export interface Stage {
  api: ApiClient;
  server: ServerProcess;
  logFile: string;
  workspace: BuiltWorkspace;
  secrets: PlantedSecrets;
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
  /** Values for `{name}` in the attempts. */
  values: Record<string, string>;
  /** A file that hooks would make on this machine. */
  marker: string;
  close(): Promise<void>;
}

/** @param model says what the hostile runs' model says */
export async function openStage(): Promise<Stage> {
  const undo: (() => unknown)[] = [];
  const close = async () => {
    for (const step of undo.reverse()) await step();
  };
  try {
    return { ...(await build(undo)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(undo: (() => unknown)[]): Promise<Omit<Stage, "close">> {
  const secrets = new PlantedSecrets();
  const catchAll = await startCatchAll();
  undo.push(() => catchAll.stop());
  const database = await createDatabase(process.env);
  undo.push(() => database.drop());
  const host = tempDir();
  undo.push(() => host.remove());
  const port = await freePort();
  const network = await createFencedNetwork(port);
  undo.push(() => network.remove());
  const { dataDir } = database;
  const logFile = join(dataDir, "hostile-model.log");
  const server = await startServerProcess({
    port,
    logFile,
    env: {
      ...serverEnv({ dataDir, port, containerHost: network.gateway, databaseUrl: database.url }),
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
  const providerKey = secrets.plant("key of the provider");
  const model = await startHostileModel(providerKey);
  undo.push(() => model.stop());
  const forgejo = await startForgejoServer();
  undo.push(() => forgejo.stop());
  const forge = startRecordingProxy(() => forgejo.url);
  undo.push(() => forge.stop());
  await installPipelines(forgejo.dir, secrets.plant("secret of the forge's pipelines"));
  const llm = { baseUrl: model.url, apiKey: providerKey, model: "scripted-model" };
  const common = { repositoryName: "shop", llm, projectDir: join(import.meta.dir, "repo") };
  const workspace = await buildWorkspace(api, {
    ...common,
    key: "EVIL",
    name: "Evil",
    forge: { ...forgejo, url: forge.url },
    agentName: "Agent",
  });
  const other = await buildOther(api, secrets, common.llm, host.path);
  const victim = await startVictim(api, other.workspace, network.name, secrets);
  undo.push(() => api.post(`/api/v1/agent-runs/${victim.run}/cancel`, { force: true }, AgentRun));
  const second = await workspace.createItem({ title: "Nothing to do here", description: "" }, false);
  const hostFile = join(host.path, "everybody-may-read");
  writeFileSync(hostFile, secrets.plant("file of the host"));
  chmodSync(hostFile, 0o644);
  const runnerCredentialFile = join(host.path, "credential");
  writeFileSync(runnerCredentialFile, await mintCredentials(api, server.url, secrets));
  secrets.add("key of the server", (await Bun.file(join(dataDir, "secret-key")).text()).trim());
  const marker = join(host.path, "marker");
  return {
    ...{ api, server, logFile, workspace, secrets, catchAll, model, forge, providerKey, marker },
    repositoryDir: forgejo.dir,
    forgeToken: forgejo.tokens.full,
    victimRun: victim.run,
    values: {
      gateway: network.gateway,
      sinkPort: String(catchAll.port),
      otherAddress: await openAddress(),
      forgePort: new URL(forge.url).port,
      victimAddress: victim.address,
      victimPort: String(VICTIM_PORT),
      hostFile,
      dataDir,
      runnerCredentialFile,
      serverPid: String(server.pid),
      marker,
      otherRun: String(victim.run),
      otherItem: other.item,
      otherOid: other.oid,
      secondItem: second.key,
    },
  };
}

/** Another workspace, whose repository and item hold what its members alone may know. */
async function buildOther(
  api: ApiClient,
  secrets: PlantedSecrets,
  llm: { baseUrl: string; apiKey: string; model: string },
  dir: string,
): Promise<{ workspace: BuiltWorkspace; item: string; oid: string }> {
  const projectDir = join(dir, "other");
  await Bun.write(join(projectDir, "plans.txt"), secrets.plant("file of another workspace"));
  const workspace = await buildWorkspace(api, {
    ...{ key: "OTHER", name: "Other", projectDir, repositoryName: "other", agentName: "Second", llm },
  });
  const description = secrets.plant("item of another workspace");
  const { key } = await workspace.createItem({ title: "hostile:victim", description }, true);
  return { workspace, item: key, oid: await gitOut(["rev-parse", "main"], workspace.repository.path) };
}

/** Waits until the run listens; its token is taken from the engine, as no run can. */
async function startVictim(
  api: ApiClient,
  _workspace: BuiltWorkspace,
  network: string,
  secrets: PlantedSecrets,
): Promise<{ run: number; address: string }> {
  const { cli } = await dockerFixture();
  const run = await eventually(
    "the other run is at work",
    async () => {
      const { runs } = await api.get("/api/v1/items/OTHER-1/agent-runs", AgentRunList);
      const detail = await api.get(`/api/v1/agent-runs/${runs[0]?.id}`, AgentRunDetail);
      return detail.status === "running" && detail.phase === "agent" ? detail.id : undefined;
    },
    STEP_MS_MAX,
  );
  const id = await eventually(
    "its container is there",
    async () => {
      const filters = [`network=${network}`, "label=org.windshift.role=agent"].flatMap((f) => [
        "--filter",
        f,
      ]);
      const listed = await cli.call(["ps", "--quiet", ...filters]);
      return listed.kind === "ok" && listed.stdout.trim() !== "" ? listed.stdout.trim() : undefined;
    },
    STEP_MS_MAX,
  );
  const format = "{{json .Config.Env}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  const inspected = await cli.call(["inspect", "--format", format, id]);
  if (inspected.kind !== "ok") throw new Error(inspected.message);
  const token = /wsrun_[A-Za-z0-9_-]{20,}/.exec(inspected.stdout)?.[0];
  if (token === undefined) throw new Error("the other run's container has no token in its environment");
  secrets.add("token of another run", token);
  return { run, address: inspected.stdout.trim().split(" ").at(-1) ?? "" };
}

/** A credential of every kind, none of them for runs. @returns that of a runner */
async function mintCredentials(api: ApiClient, url: string, secrets: PlantedSecrets): Promise<string> {
  const person = await api.post("/api/v1/tokens", { name: "x", scopes: ["admin"] }, ApiTokenWithSecret);
  secrets.add("token of a person", person.token);
  const pool = await api.post("/api/v1/admin/pools", { name: "hosts" }, Pool);
  const at = `/api/v1/admin/pools/${pool.id}/registration-tokens`;
  const { token } = await api.post(at, {}, MintedRegistrationToken);
  secrets.add("registration token", token);
  const request = { registration_token: token, name: "host", nonce: "0".repeat(32) };
  const reply = await new ApiClient(url).post("/api/runner/register", request, RegisterReply);
  secrets.add("credential of a runner", reply.credential);
  return reply.credential;
}

/** This machine's address on an open network, where agents have no business. */
async function openAddress(): Promise<string> {
  const { cli, network } = await dockerFixture();
  const format = "{{(index .IPAM.Config 0).Gateway}}";
  const answer = await cli.call(["network", "inspect", "--format", format, network]);
  if (answer.kind !== "ok") throw new Error(answer.message);
  return answer.stdout.trim();
}
