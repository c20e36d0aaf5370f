import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { Me } from "@windshift/contract/api/user.ts";
import { ItemCounts, WorkItemPage, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { Workspace } from "@windshift/contract/api/workspace.ts";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { setUpServer } from "@windshift/testing/workspace-builder.ts";
import { openDatabase } from "../../apps/server/src/db/database.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure, relativeFigure } from "../figure.ts";
import { interleaved, timed } from "../measure.ts";
import { compilePrograms } from "../programs.ts";
import { type BenchEngine, onEachEngine } from "../queue/each-engine.ts";
import { type BareDatabase, openBare } from "./bare-database.ts";
import { COMMON_WORD, fillWorkspace, ITEMS, RARE_WORD } from "./tracker-items.ts";

/** Bars on the ratio of medians, above what was seen on a quiet and on a busy machine: beyond them a list reads more than it shows. */
const LIST_RATIO_MAX = 25;
const SEARCH_RATIO_MAX = 4;
const BOARD_RATIO_MAX = 12;
const ROUNDS = 60;
const KEY = "BENCH";
const ADMIN = { name: "Ada", email: "ada@example.test", password: "correct horse battery staple" };

export const tracker: Bench = {
  name: "tracker",
  about: `lists, searches and a board of ${ITEMS} items over HTTP, beside the bare statements`,
  async run(report) {
    using dir = tempDir();
    const { server: program } = await compilePrograms(join(dir.path, "bin"), report);
    await onEachEngine(report, async (engine) => {
      const fixture = await createDatabase(process.env);
      const port = await freePort();
      const at = { dataDir: fixture.dataDir, port, containerHost: "127.0.0.1", databaseUrl: fixture.url };
      const server = await startServerProcess({
        argv: [program],
        port,
        logFile: join(dir.path, `${engine}.log`),
        env: { ...serverEnv(at), CODING_AGENT_RUNNER_IMAGE: "" },
      });
      const bare = openBare(fixture);
      try {
        const api = new ApiClient(server.url);
        const me = await makeItems(report, engine, api, fixture);
        if (engine === "PostgreSQL") await bare.run("analyze");
        await measure(report, engine, api, bare, me);
      } finally {
        await bare.close();
        await server.stop();
        await fixture.drop();
      }
    });
  },
};

interface Subject {
  name: string;
  bar: number;
  ask(api: ApiClient): Promise<unknown>;
  /** The least that any answer needs of the database, in this process. */
  floor(bare: BareDatabase): Promise<unknown>;
}

/** @returns the id of who has made them and looks at them */
async function makeItems(
  report: BenchReport,
  engine: BenchEngine,
  api: ApiClient,
  at: { url: string | undefined; sqliteFile: string },
): Promise<string> {
  await setUpServer(api, ADMIN);
  await api.post("/api/v1/workspaces", { key: KEY, name: "Bench" }, Workspace);
  report.progress(`${engine}: making ${ITEMS} items`);
  const { id } = await api.get("/api/v1/me", Me);
  const database = await openDatabase(at);
  await fillWorkspace(database, KEY, id);
  await database.close();
  return id;
}

async function measure(
  report: BenchReport,
  engine: BenchEngine,
  api: ApiClient,
  bare: BareDatabase,
  me: string,
): Promise<void> {
  for (const subject of subjectsOf(engine, me)) {
    const { subject: ours, floor } = await interleaved(
      ROUNDS,
      () => timed(() => subject.ask(api)),
      () => timed(() => floorOf(subject, api, bare)),
    );
    const about = { bench: "tracker", unit: "ms" } as const;
    const metric = `${engine}: ${subject.name}`;
    report.figure(relativeFigure({ ...about, metric, bar: subject.bar }, ours, FLOOR, floor));
    const beside = { name: FLOOR, samples: [percentile(floor, 0.99)] };
    const p99 = [percentile(ours, 0.99)];
    report.figure(absoluteFigure({ ...about, metric: `${metric}, p99`, bar: null }, p99, beside));
  }
}

const FLOOR = "a request that reads nothing, and the bare statement";

async function floorOf(subject: Subject, api: ApiClient, bare: BareDatabase): Promise<void> {
  await api.text("/readyz");
  await subject.floor(bare);
}

function subjectsOf(engine: BenchEngine, me: string): Subject[] {
  const items = `/api/v1/workspaces/${KEY}/items`;
  const page = (query: string) => (api: ApiClient) => api.get(`${items}?limit=50&${query}`, WorkItemPage);
  const search = (word: string) => (bare: BareDatabase) => {
    const place = engine === "SQLite" ? "instr" : "strpos";
    return bare.run(`select count(*) from item_search where ${place}(text, '${word}') > 0`);
  };
  const columns = WorkItemStatus.options;
  const rows = "select id, title, status from work_items where workspace_id = 1 and hidden = 0";
  return [
    {
      name: "a page of the list, last changed first",
      bar: LIST_RATIO_MAX,
      ask: page("sort=updated"),
      floor: (bare) => bare.run(`${rows} order by updated_at_ms desc limit 50`),
    },
    {
      name: "a page by status, assignee and label, most urgent first",
      bar: LIST_RATIO_MAX,
      ask: page("sort=priority&status=in_progress&status=todo&assignee=me&label=3"),
      floor: (bare) =>
        bare.run(
          `${rows} and status in ('todo', 'in_progress') and assignee_id = '${me}' order by priority desc limit 50`,
        ),
    },
    {
      name: "a search that finds a thousand",
      bar: SEARCH_RATIO_MAX,
      ask: page(`q=${COMMON_WORD}`),
      floor: search(COMMON_WORD),
    },
    {
      name: "a search that finds nothing",
      bar: SEARCH_RATIO_MAX,
      ask: page(`q=${RARE_WORD}`),
      floor: search(RARE_WORD),
    },
    {
      name: "a board: five columns and their counts",
      bar: BOARD_RATIO_MAX,
      ask: (api) =>
        Promise.all([
          ...columns.map((status) => page(`sort=updated&status=${status}`)(api)),
          api.get(`/api/v1/workspaces/${KEY}/item-counts`, ItemCounts),
        ]),
      floor: async (bare) => {
        for (const status of columns)
          await bare.run(`${rows} and status = '${status}' order by updated_at_ms desc limit 50`);
        await bare.run(
          "select status, count(*) from work_items where workspace_id = 1 and hidden = 0 group by status",
        );
      },
    },
  ];
}

function percentile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
