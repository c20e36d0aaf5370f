import { join, resolve } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { readModelScript } from "@windshift/testing/model-script.ts";
import { startScriptedModel } from "@windshift/testing/scripted-model.ts";
import {
  SERVER_MAIN,
  type ServerProcess,
  serverEnv,
  startServerProcess,
} from "@windshift/testing/server-process.ts";
import { buildWorkspace, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { z } from "zod";
import { freePort } from "../../scripts/setup/free-port.ts";
import { ADMIN } from "../product.ts";
import { lostRows, readStored, tablesOf } from "./stored-rows.ts";

export interface UpgradeEpisodeOptions {
  /** The program of the earlier server, for Bun. */
  earlierMain: string;
  /** Which engine, as for tests. */
  env: Record<string, string | undefined>;
  /** Folder with `windshift-agent` and `ws`. */
  agentBin: string;
  log(line: string): void;
}

const SCENARIO = resolve(import.meta.dir, "../scenarios/01-happy-path");
const KEY = "provider-key-of-the-upgrade-0123456789";
const RUN_MS_MAX = 180_000;
/** The model is silent for so long in the run that the earlier server is killed in, ms. */
const SILENT_MS = 600_000;
/** Rows of these change when a server starts and a run goes on; runners and sessions come and go. */
const LIVING: ReadonlySet<string> = new Set([
  "workspaces",
  "work_items",
  "runs",
  "run_attempts",
  "budget_use",
  "settings",
]);
const PASSING: ReadonlySet<string> = new Set(["runners", "session", "budget_holds", "run_tokens"]);

const Detail = z.looseObject({
  status: z.string(),
  attempt: z.int(),
  branch: z.string().nullable(),
  phase: z.string().nullable(),
});
const Runs = z.looseObject({ runs: z.array(z.looseObject({ id: z.int() })) });
const Anything = z.json();
const ENDED: ReadonlySet<string> = new Set(["succeeded", "failed", "canceled", "killed"]);

/**
 * The server of an earlier version works for people and is killed in the middle of a run; the server of these sources goes on with what
 * is there.
 * @returns what is not as it was, one sentence each
 */
export async function runUpgradeEpisode(options: UpgradeEpisodeOptions): Promise<string[]> {
  await using ending = new AsyncDisposableStack();
  const database = await createDatabase(options.env);
  ending.defer(() => database.drop());
  const port = await freePort();
  let server: ServerProcess | undefined;
  ending.defer(async () => server?.kill());
  const start = async (main: string) => {
    const env = serverEnv({ ...database, port, containerHost: "127.0.0.1", databaseUrl: database.url });
    server = await startServerProcess({
      argv: [process.execPath, main],
      port,
      logFile: join(database.dataDir, "server.log"),
      env: { ...env, ...unsandboxed(options.agentBin) },
    });
    return server;
  };
  const model = await startScriptedModel({
    script: readModelScript(join(SCENARIO, "model.json")),
    apiKey: KEY,
  });
  ending.defer(() => model.stop());

  const earlier = await start(options.earlierMain);
  const people = new ApiClient(earlier.url);
  await setUpServer(people, ADMIN);
  const wish = { name: "kept", scopes: ["admin"] };
  const { token } = await people.post("/api/v1/tokens", wish, z.looseObject({ token: z.string() }));
  const api = new ApiClient(earlier.url, { kind: "token", token });
  const workspace = await buildWorkspace(people, {
    key: "UP",
    name: "Upgrade",
    projectDir: join(SCENARIO, "repo"),
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: model.url, apiKey: KEY, model: "scripted-model" },
  });
  const first = await workspace.createItem(
    { title: "Größe 🪁", description: "Make `sh test.sh` pass." },
    true,
  );
  await api.post(`/api/v1/items/${first.key}/comments`, { body: "Mind the Ümlauts" }, Anything);
  const done = await endOf(api, first.key);
  options.log(`its first run ended as ${done.status} on ${done.branch}`);
  model.play([{ content: "Let me think.", delay_ms: SILENT_MS }]);
  const second = await workspace.createItem({ title: "Half done", description: "Anything." }, true);
  await eventually(
    "the second run is at work",
    async () => (await runOf(api, second.key)).phase === "agent" && model.requests.length > 1,
    RUN_MS_MAX,
  );
  const seen = await look(api, [first.key]);
  await earlier.kill();
  options.log("it was killed in the middle of its second run");
  const kept = (await tablesOf(database)).filter((table) => !PASSING.has(table));
  const before = await readStored(database, kept);

  model.play(readModelScript(join(SCENARIO, "model.json")));
  const { readyMs } = await start(SERVER_MAIN);
  options.log(`the server of these sources was ready after ${(readyMs / 1_000).toFixed(1)} s`);
  const problems = differences(seen, await look(api, [first.key]));
  const went = await endOf(api, second.key);
  options.log(`the second run ended as ${went.status} in attempt ${went.attempt}`);
  if (went.status !== "succeeded" || went.attempt !== 2)
    problems.push(`the run that was cut off ended as ${went.status} in attempt ${went.attempt}`);
  const third = await api.post(
    "/api/v1/workspaces/UP/items",
    { title: "After", description: "" },
    z.looseObject({ key: z.string() }),
  );
  if (third.key !== "UP-3") problems.push(`the next item is ${third.key}`);
  await server?.stop();
  const now = await readStored(database, await tablesOf(database));
  const rows = [...before.values()].reduce((sum, { length }) => sum + length, 0);
  options.log(`${rows} rows of ${before.size} tables were looked at`);
  return [
    ...problems,
    ...lostRows(before, now, LIVING).map((row) => `a row of before was changed or lost: ${row}`),
  ];
}

function unsandboxed(agentBin: string): Record<string, string> {
  return {
    WINDSHIFT_SANDBOX: "unsandboxed",
    WSRUNNER_ALLOW_UNSANDBOXED: "1",
    WINDSHIFT_HOST: "127.0.0.1",
    PATH: `${agentBin}:${process.env.PATH}`,
    CODING_AGENT_RUNNER_IMAGE: "",
    CODING_AGENT_DOCKER_BINARY: "/nonexistent/docker",
    CODING_AGENT_WS_API_URL: "",
  };
}

async function runOf(api: ApiClient, item: string): Promise<z.infer<typeof Detail>> {
  const { runs } = await api.get(`/api/v1/items/${item}/agent-runs`, Runs);
  return api.get(`/api/v1/agent-runs/${runs[0]?.id}`, Detail);
}

function endOf(api: ApiClient, item: string): Promise<z.infer<typeof Detail>> {
  return eventually(
    `the run on ${item} ends`,
    async () => {
      const run = await runOf(api, item);
      return ENDED.has(run.status) ? run : undefined;
    },
    RUN_MS_MAX,
  );
}

/** What people see of some items and of the workspace, by address. */
async function look(api: ApiClient, items: readonly string[]): Promise<Map<string, unknown>> {
  const paths = [
    "/api/v1/workspaces/UP",
    "/api/v1/workspaces/UP/bindings",
    "/api/v1/workspaces/UP/connections",
  ];
  for (const item of items) {
    paths.push(`/api/v1/items/${item}`, `/api/v1/items/${item}/comments`);
    const { runs } = await api.get(`/api/v1/items/${item}/agent-runs`, Runs);
    for (const { id } of runs)
      paths.push(`/api/v1/agent-runs/${id}`, `/api/v1/agent-runs/${id}/events?after=0&limit=500`);
  }
  const seen = new Map<string, unknown>();
  for (const path of paths) seen.set(path, await api.get(path, Anything));
  return seen;
}

/** Of what was told before, what is told differently now; what is told besides is new. */
function differences(before: ReadonlyMap<string, unknown>, now: ReadonlyMap<string, unknown>): string[] {
  return [...before].flatMap(([path, value]) => differing(path, value, now.get(path)));
}

function differing(where: string, before: unknown, now: unknown): string[] {
  if (Array.isArray(before) && Array.isArray(now) && before.length === now.length)
    return before.flatMap((one, at) => differing(`${where} ${at}`, one, now[at]));
  if (isRecord(before) && isRecord(now))
    return Object.entries(before).flatMap(([name, value]) => differing(`${where} ${name}`, value, now[name]));
  if (Object.is(before, now)) return [];
  return [`${where} was ${JSON.stringify(before)} and is ${JSON.stringify(now)}`];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
