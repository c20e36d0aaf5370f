import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { AgentRunDetail, EventPage } from "@windshift/contract/api/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { Log } from "../http/log.ts";
import { runPublishingLoop } from "../runs/publishing-loop.ts";
import { COMPLETED_RESULT } from "../testing/completed-result.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { openArchive } from "./archive-file.ts";
import { tidyArchive } from "./archive-tidy.ts";
import { holdRetention, releaseRetention } from "./retention-lease.ts";
import { type RetentionLimits, shortenAll } from "./retention-loop.ts";
import { archiveTranscript } from "./transcript-archive.ts";
import { listDueRuns, readNow } from "./transcript-archive-store.ts";

/** A server, git and a workspace; a loaded machine takes long for them, ms. */
setDefaultTimeout(60_000);

const DAY_MS = 86_400_000;
const NO_LIMIT: RetentionLimits = {
  transcriptMs: undefined,
  transcriptArchiveMs: undefined,
  auditMs: undefined,
  usageMs: undefined,
};
const KEEP_30_DAYS = { ...NO_LIMIT, transcriptMs: 30 * DAY_MS };
const AT = "2026-01-01T00:00:00.000Z";
/** More than is read or removed at once. */
const EVENTS = 1_234;

const ending = new AbortController();
const never = new AbortController().signal;
const logged: string[] = [];
const log: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (_, line) => void logged.push(line),
};
let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let host: TestHost;
let loop: Promise<void>;
let folder: string;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "OLD");
  host = await addHost(server, admin, await createPool(admin, { name: "hosts" }));
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: "hosts" });
  const { database, forge, url: baseUrl } = server;
  loop = runPublishingLoop(
    { database, forge, defaults: { llmModel: undefined }, baseUrl },
    log,
    ending.signal,
  );
  folder = join(dirname(server.repositoriesRoot), "archive");
});
beforeEach(async () => {
  // The server of the test has the same folder for all; each test begins with an empty one.
  await rm(folder, { recursive: true, force: true });
  await server.database.kysely.deleteFrom("transcript_archives").execute();
  await server.database.kysely.updateTable("runs").set({ ended_at_ms: Date.now() }).execute();
});
afterAll(async () => {
  ending.abort();
  await loop;
  await server.close();
});

const look = (limits: Partial<RetentionLimits>, holder = "one") =>
  shortenAll({ database: server.database, folder, limits: { ...NO_LIMIT, ...limits }, log }, holder, never);
const detailOf = async (id: number) => (await admin.get<AgentRunDetail>(`/api/v1/agent-runs/${id}`)).body;
const jsonlOf = (id: number) =>
  fetch(`${server.url}/api/v1/agent-runs/${id}/transcript.jsonl`, { headers: admin.headers() });
const eventsIn = async (id: number) =>
  (await server.database.kysely.selectFrom("run_events").select("seq").where("run_id", "=", id).execute())
    .length;
const archiveOf = (id: number) =>
  server.database.kysely
    .selectFrom("transcript_archives")
    .selectAll()
    .where("run_id", "=", id)
    .executeTakeFirst();

/** A run that ended so many days ago. */
async function endedRun(daysAgo: number, events = 3): Promise<number> {
  await createItem(admin, "OLD", { assignee_id: workspace.agent.id });
  const { run_id: id } = await host.claimed();
  const said = Array.from({ length: events }, (_, i) => ({
    seq: i + 1,
    at: AT,
    type: "content",
    data: { text: `line ${i} ✓ of run ${id}` },
  }));
  for (let at = 0; at < said.length; at += 100)
    expect((await host.events(id, 1, said.slice(at, at + 100))).status).toBe(200);
  expect((await host.result(id, { ...COMPLETED_RESULT, attempt: 1 })).status).toBe(200);
  await eventually("the run ends", async () => (await detailOf(id)).ended_at !== null, 30_000);
  const endedAtMs = (await readNow(server.database)) - daysAgo * DAY_MS;
  await server.database.kysely
    .updateTable("runs")
    .set({ created_at_ms: endedAtMs - DAY_MS, ended_at_ms: endedAtMs })
    .where("id", "=", id)
    .execute();
  return id;
}

describe("a transcript that is older than the limit", () => {
  test("moves to a file, and its run's page gives the same JSONL as before", async () => {
    const [old, young] = [await endedRun(31, EVENTS), await endedRun(29)];
    const before = await (await jsonlOf(old)).text();
    expect(before.trimEnd().split("\n")).toHaveLength(EVENTS);
    expect(await look(KEEP_30_DAYS)).toMatchObject({ transcripts: 1, failed: 0 });
    expect([await eventsIn(old), await eventsIn(young)]).toEqual([0, 3]);
    expect([(await detailOf(old)).transcript, (await detailOf(young)).transcript]).toEqual([
      "archived",
      "stored",
    ]);
    expect(await (await jsonlOf(old)).text()).toBe(before);
    const page = await admin.get<EventPage>(`/api/v1/agent-runs/${old}/events`);
    expect(page.body).toEqual({ events: [], next_after: 0, ended: true });
    const archive = await archiveOf(old);
    const file = join(folder, archive?.file ?? "");
    expect(archive).toMatchObject({ events: EVENTS, rows_removed: 1 });
    const bytes = Buffer.from(await Bun.file(file).arrayBuffer());
    expect([bytes.length, new Bun.CryptoHasher("sha256").update(bytes).digest("hex")]).toEqual([
      archive?.bytes as number,
      archive?.sha256 as string,
    ]);
    expect(gunzipSync(bytes).toString()).toBe(before);
    // Nothing is left to do.
    expect(await look(KEEP_30_DAYS)).toMatchObject({ transcripts: 0 });
  });

  test("keeps what the server wrote about its pushes on the run", async () => {
    const id = await endedRun(31);
    await server.database.kysely
      .insertInto("run_events")
      .values({
        run_id: id,
        attempt: 1,
        seq: -1,
        type: "review_flagged",
        at: AT,
        data: "{}",
        stored_at_ms: 1,
      })
      .execute();
    await look(KEEP_30_DAYS);
    expect(await eventsIn(id)).toBe(1);
    expect(await (await jsonlOf(id)).text()).toContain("review_flagged");
  });

  test("is archived once by two servers that try at the same time", async () => {
    const id = await endedRun(31, EVENTS);
    const before = await (await jsonlOf(id)).text();
    const [run] = await listDueRuns(server.database.kysely, Date.now(), [], 1);
    if (run === undefined) throw new Error("nothing is due");
    const done = await Promise.all([1, 2, 3].map(() => archiveTranscript(server.database, folder, run)));
    expect(done.filter(Boolean)).toHaveLength(1);
    expect(await filesIn(folder)).toEqual([(await archiveOf(id))?.file as string]);
    expect(await (await jsonlOf(id)).text()).toBe(before);
  });

  test("stays in the database while another server has the work", async () => {
    const id = await endedRun(31);
    expect(await holdRetention(server.database, "other")).toBe(true);
    expect(await look(KEEP_30_DAYS)).toBeUndefined();
    expect(await eventsIn(id)).toBe(3);
    await releaseRetention(server.database, "other");
    expect(await look(KEEP_30_DAYS)).toMatchObject({ transcripts: 1 });
  });

  test("stays in the database when the archive cannot be written to, and the log says so", async () => {
    const id = await endedRun(31);
    await writeFile(folder, "not a folder");
    expect(await look(KEEP_30_DAYS)).toMatchObject({ transcripts: 0, failed: 1 });
    expect(logged.splice(0)).toContain("a transcript could not be archived; it stays where it is");
    expect([await eventsIn(id), (await detailOf(id)).transcript]).toEqual([3, "stored"]);
  });
});

describe("a server that ended", () => {
  test("between the file and the word of it loses nothing; the file goes once it is a day old", async () => {
    const id = await endedRun(31);
    const stray = join(folder, "transcripts", "0000000", `run-${id}-0123456789ab.jsonl.gz`);
    await mkdir(dirname(stray), { recursive: true });
    const longAgo = new Date(Date.now() - 2 * DAY_MS);
    const beforeTheRun = new Date(Date.now() - 40 * DAY_MS);
    // Newer than this database, and of a run whose number was given anew since: as after the restore of an older backup.
    const unknown = join(dirname(stray), "run-999-0123456789ab.jsonl.gz");
    const another = join(dirname(stray), `run-${id}-ba9876543210.jsonl.gz`);
    for (const file of [stray, `${stray}.part`, unknown, another, join(dirname(stray), "notes.txt")])
      await writeFile(file, "x");
    for (const file of [stray, unknown]) await utimes(file, longAgo, longAgo);
    await utimes(another, beforeTheRun, beforeTheRun);
    expect(await tidyArchive(server.database, folder)).toBe(0);
    await utimes(stray, new Date(), new Date());
    await look(KEEP_30_DAYS);
    expect((await jsonlOf(id)).status).toBe(200);
    expect([existsSync(stray), existsSync(`${stray}.part`)]).toEqual([true, true]);
    for (const file of [stray, `${stray}.part`]) await utimes(file, longAgo, longAgo);
    expect(await tidyArchive(server.database, folder)).toBe(2);
    expect(await filesIn(folder)).toEqual(
      [
        (await archiveOf(id))?.file as string,
        ...[unknown, another].map((file) => file.slice(folder.length + 1)),
        "transcripts/0000000/notes.txt",
      ].toSorted(),
    );
  });

  test("between the word and the removal is followed by one that has the whole file, and by no other", async () => {
    const id = await endedRun(31, EVENTS);
    const before = await (await jsonlOf(id)).text();
    await look(KEEP_30_DAYS);
    // As it stood before the removal came to its end.
    const rest = before.trimEnd().split("\n").slice(900);
    for (const line of rest) {
      const { id: _, ...event } = JSON.parse(line);
      await server.database.kysely
        .insertInto("run_events")
        .values({ ...event, run_id: id, data: JSON.stringify(event.data), stored_at_ms: 1 })
        .execute();
    }
    await server.database.kysely.updateTable("transcript_archives").set({ rows_removed: 0 }).execute();
    const archive = await archiveOf(id);
    const file = join(folder, archive?.file ?? "");
    const bytes = await Bun.file(file).bytes();
    for (const broken of [undefined, bytes.slice(0, 100), Buffer.concat([bytes, bytes])]) {
      await rm(file, { force: true });
      if (broken !== undefined) await writeFile(file, broken);
      expect(await look(KEEP_30_DAYS)).toMatchObject({ failed: 1 });
      expect(await eventsIn(id)).toBe(rest.length);
    }
    await writeFile(file, bytes);
    expect(await look(KEEP_30_DAYS)).toMatchObject({ transcripts: 1, failed: 0 });
    expect(await eventsIn(id)).toBe(0);
    expect(await (await jsonlOf(id)).text()).toBe(before);
    logged.splice(0);
  });
});

test("a transcript that this server does not have is said to be elsewhere, and a damaged one ends as a failure", async () => {
  const id = await endedRun(31, EVENTS);
  await look(KEEP_30_DAYS);
  const file = join(folder, (await archiveOf(id))?.file ?? "");
  const bytes = await Bun.file(file).bytes();
  await writeFile(file, bytes.slice(0, bytes.length - 20));
  await expect(new Response(await openArchive(file)).text()).rejects.toThrow();
  await rm(file);
  const reply = await jsonlOf(id);
  expect([reply.status, await reply.text()]).toEqual([503, expect.stringContaining("WINDSHIFT_ARCHIVE")]);
});

test("the second limit deletes an archived transcript for good", async () => {
  const id = await endedRun(100);
  const limits = { ...KEEP_30_DAYS, transcriptArchiveMs: 90 * DAY_MS };
  expect(await look(limits)).toMatchObject({ transcripts: 1, deleted: 1 });
  expect(await filesIn(folder)).toEqual([]);
  expect((await detailOf(id)).transcript).toBe("deleted");
  const reply = await jsonlOf(id);
  expect([reply.status, await reply.text()]).toEqual([404, expect.stringContaining("was deleted")]);
});

async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .toSorted();
}
