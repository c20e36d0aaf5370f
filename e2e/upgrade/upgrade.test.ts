import { Database as SqliteFile } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { exec } from "@windshift/base/exec.ts";
import { CommentPage } from "@windshift/contract/api/comment.ts";
import { Connection } from "@windshift/contract/api/connection.ts";
import { AgentRunList, EventPage } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { type ServerProcess, serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { SQL } from "bun";
import { z } from "zod";
import { openDatabase } from "../../apps/server/src/db/database.ts";
import { copyRows, rowsOf } from "../../apps/server/src/testing/earlier-rows.ts";
import { makeEarlierSchema } from "../../apps/server/src/testing/earlier-schema.ts";
import { freePort } from "../../scripts/setup/free-port.ts";

/**
 * What a server of the version before the tracker left when it was killed: three runs that ended with their pull requests, a fourth
 * in the queue, a host. It was written by that version itself.
 */
const RELEASE = resolve(import.meta.dir, "release-003.tar.gz");
const TEST_MS_MAX = 180_000;
const WAIT_MS_MAX = 60_000;

let fixture: DatabaseFixture;
let server: ServerProcess;
let api: ApiClient;
/** Every row as it was, by table. */
let before: Map<string, string[]>;
let port: number;

async function start(): Promise<void> {
  const { dataDir, url: databaseUrl } = fixture;
  server = await startServerProcess({
    port,
    logFile: join(dataDir, "server.log"),
    env: {
      ...serverEnv({ dataDir, port, containerHost: "127.0.0.1", databaseUrl }),
      CODING_AGENT_RUNNER_IMAGE: "",
      WINDSHIFT_HOST: "127.0.0.1",
    },
  });
}

beforeAll(async () => {
  fixture = await createDatabase(process.env);
  const { dataDir, url, sqliteFile } = fixture;
  const unpacked = await exec(["tar", "--extract", "--gzip", "--file", RELEASE, "--directory", dataDir], {
    timeoutMs: WAIT_MS_MAX,
    env: { PATH: process.env.PATH ?? "" },
  });
  expect(unpacked.exitCode).toBe(0);
  await chmod(dataDir, 0o711);
  const release = new SqliteFile(join(dataDir, "windshift.db"), { readonly: true });
  before = rowsOf(release);
  if (url !== undefined) {
    const database = await openDatabase({ url, sqliteFile });
    await makeEarlierSchema(database);
    await database.close();
    await copyRows(release, url);
  }
  release.close();
  port = await freePort();
  await start();
  api = new ApiClient(server.url);
  await api.signIn("ada@example.test", "correct horse battery staple");
}, TEST_MS_MAX);
afterAll(async () => {
  await server?.stop();
  await fixture?.drop();
}, TEST_MS_MAX);

test(
  "a server of today starts on the data of the version before and shows what was there",
  async () => {
    const item = await api.get("/api/v1/items/FAULT-1", WorkItemDetail);
    expect(item.title).toBe("Größe 0");
    expect(item.description).toBe("Zero-width\u200b, emoji 🪁, 'quotes'");
    expect(item.links).toHaveLength(1);
    const { comments } = await api.get("/api/v1/items/FAULT-1/comments", CommentPage);
    expect(comments.map(({ body }) => body)).toContain("Mind the Ümlauts");
    const { runs } = await api.get("/api/v1/workspaces/FAULT/agent-runs", AgentRunList);
    expect(runs.map(({ status }) => status).sort()).toEqual([
      "queued",
      "succeeded",
      "succeeded",
      "succeeded",
    ]);
    const { events } = await api.get("/api/v1/agent-runs/1/events?after=0&limit=500", EventPage);
    expect(events.length).toBeGreaterThan(20);
    // A secret that was sealed then is opened now: the key is the same.
    const { connections } = await api.get(
      "/api/v1/workspaces/FAULT/connections",
      z.object({ connections: z.array(Connection) }),
    );
    expect(connections).toHaveLength(2);
  },
  TEST_MS_MAX,
);

test(
  "search finds what was written before the update",
  async () => {
    const list = z.object({ items: z.array(z.object({ key: z.string() })) });
    await eventually(
      "old items are found",
      async () => {
        const { items } = await api.get("/api/v1/workspaces/FAULT/items?q=gr%C3%B6%C3%9Fe", list);
        return items.length === 3;
      },
      WAIT_MS_MAX,
    );
  },
  TEST_MS_MAX,
);

test(
  "no row of before is lost or changed, but those a start itself changes; work goes on with the next numbers",
  async () => {
    const item = { title: "After the update", description: "" };
    const made = await api.post("/api/v1/workspaces/FAULT/items", item, WorkItemDetail);
    expect(made.key).toBe("FAULT-6");
    await server.stop();
    const rows =
      fixture.url === undefined ? new SqliteFile(fixture.sqliteFile, { readonly: true }) : undefined;
    const sql = fixture.url === undefined ? undefined : new SQL(fixture.url, { max: 1 });
    const readNow = async (table: string): Promise<object[]> =>
      rows === undefined
        ? [...(await (sql as SQL).unsafe(`select * from "${table}"`))]
        : (rows.query(`select * from "${table}"`).all() as object[]);
    const counts = Object.fromEntries(
      await Promise.all(
        [...before.keys()].map(async (table) => [table, (await readNow(table)).length] as const),
      ),
    );
    const fewer = [...before].filter(([table, earlier]) => (counts[table] ?? 0) < earlier.length);
    expect(fewer.map(([table]) => table)).toEqual([]);
    const stable = [
      "work_items",
      "run_events",
      "run_usage",
      "comments",
      "pull_requests",
      "run_steps",
      "runs",
    ];
    for (const table of stable) {
      const now = (await readNow(table)).map((row) => row as Record<string, unknown>);
      for (const text of before.get(table) ?? []) {
        const row = JSON.parse(text) as Record<string, unknown>;
        const same = now.some((one) =>
          Object.entries(row).every(([name, value]) => String(one[name] ?? null) === String(value)),
        );
        expect({ table, row, same }).toEqual({ table, row, same: true });
      }
    }
    rows?.close();
    await sql?.close();
    await start();
    expect((await api.get("/api/v1/items/FAULT-6", WorkItemDetail)).title).toBe("After the update");
  },
  TEST_MS_MAX,
);
