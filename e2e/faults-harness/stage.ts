import { chmod, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { Binding } from "@windshift/contract/api/binding.ts";
import { MintedRegistrationToken, Pool } from "@windshift/contract/api/pool.ts";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { type ModelScript, readModelScript } from "@windshift/testing/model-script.ts";
import { type ScriptedModel, startScriptedModel } from "@windshift/testing/scripted-model.ts";
import {
  SERVER_MAIN,
  type ServerProcess,
  serverEnv,
  startServerProcess,
} from "@windshift/testing/server-process.ts";
import { type BuiltWorkspace, buildWorkspace, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { freePort } from "../../scripts/setup/free-port.ts";
import { DatabaseJournal, TOKENS_OF_MONTH_MAX, TOKENS_OF_RUN_MAX } from "./database-journal.ts";
import { Host } from "./host.ts";
import { REPLY_USAGE } from "./ledger.ts";
import { Link } from "./link.ts";

export const SHORT_TIMES_PRELOAD = resolve(import.meta.dir, "short-times.ts");
const CLOCK_PRELOAD = resolve(import.meta.dir, "shifted-clock.ts");
const AGENT_MAIN = resolve(import.meta.dir, "scripted-agent.ts");
const SCENARIO = resolve(import.meta.dir, "../scenarios/01-happy-path");
const PROJECT = join(SCENARIO, "repo");
const KEY = "provider-key-of-the-fault-runs";

export interface HostPlace {
  address: string;
  within: readonly string[];
}
/** On this machine like everything else. */
export const HERE: HostPlace = { address: "127.0.0.1", within: [] };

export interface StageOptions {
  env: Record<string, string | undefined>;
  /** Runner hosts: the address of the server as each is given it, and what their programs are started with. */
  hosts: readonly HostPlace[];
  /** Runs at once: of one host, and of the pool. */
  capacity: number;
  poolMax: number;
  /** What the model waits before its replies, ms, turn by turn. */
  thinkMs: readonly number[];
  /** Real containers with the agent of the product, on this network, instead of plain processes with the scripted one. */
  containers?: { image: string; network: string } | undefined;
  /** Where the server listens and where people and hosts reach it, when something stands before it; one and the same by default. */
  ports?: { server: number; front: number };
}

/** All that a fault run needs: a server with a database of its own, hosts behind links of ours, a model, a repository. */
export interface Stage {
  readonly options: StageOptions;
  readonly dataDir: string;
  readonly api: ApiClient;
  server: ServerProcess;
  readonly hosts: readonly Host[];
  readonly model: ScriptedModel;
  readonly workspace: BuiltWorkspace;
  readonly journal: DatabaseJournal;
  /** What ended although nobody had ended it. */
  readonly deaths: string[];
  killServer(): Promise<void>;
  startServer(): Promise<void>;
  /** Ends the server in order. */
  stopServer(): Promise<void>;
  /** Another server with the same settings on the same database. Whoever starts it ends it. */
  startReplica(port: number): Promise<ServerProcess>;
  /** The clock of the server's process is off by so much from now on, ms. */
  stepClock(offsetMs: number): Promise<void>;
  /** @param keep leaves the data where it is, for whoever looks into a failure */
  close(keep: boolean): Promise<void>;
}

/**
 * Starts server, scripted model and links on free ports and sets up one workspace and its pool; hosts have their tokens and are
 * started by whoever plays.
 */
export async function openStage(options: StageOptions): Promise<Stage> {
  const database = await createDatabase(options.env);
  const own = await freePort();
  const { server: port, front } = options.ports ?? { server: own, front: own };
  const clockFile = join(database.dataDir, "clock");
  let clockOffsetMs = 0;
  const start = (at = port) =>
    startServerProcess({
      argv: [process.execPath, "--preload", SHORT_TIMES_PRELOAD, "--preload", CLOCK_PRELOAD, SERVER_MAIN],
      port: at,
      logFile: join(database.dataDir, at === port ? "server.log" : `server-${at}.log`),
      env: {
        ...serverEnv({
          dataDir: database.dataDir,
          port: front,
          containerHost: "127.0.0.1",
          databaseUrl: database.url,
        }),
        CODING_AGENT_RUNNER_IMAGE: "",
        FAULTS_CLOCK_FILE: clockFile,
        FAULTS_CLOCK_OFFSET_MS: String(clockOffsetMs),
        WINDSHIFT_HOST: "127.0.0.1",
        ...(front === port ? {} : { WINDSHIFT_TRUSTED_PROXIES: "127.0.0.1" }),
        // Set, the server does not start itself again, which would lose its preload.
        BUN_CONFIG_MAX_HTTP_REQUESTS: "1024",
      },
    });
  let wanted: ServerProcess | undefined = await start();
  const deaths: string[] = [];
  const watch = (server: ServerProcess) =>
    void server.exited.then((code) => {
      if (wanted === server) deaths.push(`the server ended by itself with code ${code}`);
    });
  watch(wanted);
  const api = new ApiClient(`http://127.0.0.1:${front}`);
  await setUpServer(api, {
    name: "Ada",
    email: "ada@example.test",
    password: "correct horse battery staple",
  });
  const model = await startScriptedModel({ script: scriptOf(options), apiKey: KEY });
  const workspace = await buildWorkspace(api, {
    key: "FAULT",
    name: "Faults",
    projectDir: PROJECT,
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: model.url, apiKey: KEY, model: "scripted-model" },
  });
  const pool = await makePool(api, options.poolMax);
  const bin = await makeAgent(database.dataDir);
  const hosts: Host[] = [];
  for (const [i, { address, within }] of options.hosts.entries()) {
    const path = `/api/v1/admin/pools/${pool.id}/registration-tokens`;
    const { token } = await api.post(path, {}, MintedRegistrationToken);
    const link = await Link.open({ host: address, serverPort: front });
    const name = `host-${i + 1}`;
    const env = {
      WSRUNNER_CAPACITY: String(options.capacity),
      WSRUNNER_REGISTRATION_TOKEN: token,
      ...containerEnv(options),
    };
    hosts.push(new Host({ name, dir: join(database.dataDir, name), link, bin, env, within, deaths }));
  }
  const stage: Stage = {
    options,
    dataDir: database.dataDir,
    api,
    server: wanted,
    hosts,
    model,
    workspace,
    journal: await DatabaseJournal.open(database.url, database.sqliteFile),
    deaths,
    killServer: async () => {
      wanted = undefined;
      await stage.server.kill();
    },
    startServer: async () => {
      wanted = await start();
      stage.server = wanted;
      watch(wanted);
    },
    stopServer: async () => {
      wanted = undefined;
      await stage.server.stop();
    },
    startReplica: (at) => start(at),
    stepClock: async (offsetMs) => {
      clockOffsetMs = offsetMs;
      await Bun.write(clockFile, String(offsetMs));
      process.kill(stage.server.pid, "SIGUSR2");
    },
    close: async (keep) => {
      for (const host of hosts) await host.close();
      wanted = undefined;
      await stage.server.stop();
      await model.stop();
      await stage.journal.close();
      if (!keep) await database.drop();
    },
  };
  return stage;
}

/** The scripted agent needs a reply for each of its turns; the product's works through the first scenario. */
function scriptOf({ containers, thinkMs }: StageOptions): ModelScript {
  const pauses = (turn: number) => ({ delay_ms: thinkMs[turn % thinkMs.length] ?? 0, usage: REPLY_USAGE });
  if (containers === undefined)
    return thinkMs.map((_, turn) => ({ content: `thought ${turn}`, ...pauses(turn) }));
  return readModelScript(join(SCENARIO, "model.json")).map((said, turn) => ({ ...said, ...pauses(turn) }));
}

function containerEnv({ containers }: StageOptions): Record<string, string> {
  if (containers === undefined) return {};
  const { image, network } = containers;
  return {
    WSRUNNER_SANDBOX: "container",
    WSRUNNER_IMAGE: image,
    WSRUNNER_NETWORK: network,
    WSRUNNER_MEMORY: "1g",
    WSRUNNER_DOCKER: process.env.CODING_AGENT_DOCKER_BINARY || "docker",
    ...(process.env.DOCKER_HOST === undefined ? {} : { DOCKER_HOST: process.env.DOCKER_HOST }),
  };
}

/** A pool for the hosts, and every binding in it, with budgets. */
async function makePool(api: ApiClient, max_running: number): Promise<Pool> {
  const pool = await api.post("/api/v1/admin/pools", { name: "faults", max_running }, Pool);
  const base = "/api/v1/workspaces/FAULT/bindings";
  const { bindings } = await api.get(base, z.object({ bindings: z.array(Binding) }));
  const budget = { run: { tokens_max: TOKENS_OF_RUN_MAX }, month: { tokens_max: TOKENS_OF_MONTH_MAX } };
  for (const { id } of bindings)
    await api.patch(`/api/v1/bindings/${id}`, { pool: pool.name, budget }, Binding);
  return pool;
}

/** A folder for the PATH in which `windshift-agent` is the agent of the fault runs. */
async function makeAgent(dir: string): Promise<string> {
  const bin = join(dir, "bin");
  await mkdir(bin, { recursive: true });
  const file = join(bin, "windshift-agent");
  await Bun.write(file, `#!/bin/sh\nexec '${process.execPath}' '${AGENT_MAIN}'\n`);
  await chmod(file, 0o755);
  return bin;
}
