import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { eventually } from "@windshift/testing/eventually.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { listEvents } from "../runs/run-events.ts";
import { insertRun } from "../runs/run-store.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { tidyArchive } from "./archive-tidy.ts";

/** Processes are started and killed; a loaded machine takes long for it, ms. */
setDefaultTimeout(180_000);

const RUNS = 7;
const EVENTS = 1_100;
const KILLS = 5;
const CHILD = join(import.meta.dir, "../testing/retention-process.ts");

let fixture: RunFixture;
const folder = tempDir().path;
const expected = new Map<number, string>();
beforeAll(async () => {
  fixture = await createRunFixture();
  for (let n = 0; n < RUNS; n++) {
    const run = await endedRun();
    expected.set(run, await stored(run));
  }
});
afterAll(() => fixture.close());

async function endedRun(): Promise<number> {
  const db = fixture.database.kysely;
  const [workspace = 0] = fixture.workspaces;
  const run = await insertRun(db, {
    workspace_id: workspace,
    work_item_id: await fixture.createItem(workspace),
    agent_user_id: fixture.agent,
    pool_id: fixture.pool,
    trigger_kind: "assignee",
    requested_by: fixture.person,
    status: "succeeded",
    grants: "null",
    prompt: "",
    created_at_ms: 1,
    ended_at_ms: 2,
  });
  for (let at = 1; at <= EVENTS; at += 100) {
    const rows = Array.from({ length: 100 }, (_, i) => ({
      run_id: run,
      attempt: 1,
      seq: at + i,
      type: "content",
      at: "2026-01-01T00:00:00.000Z",
      data: JSON.stringify({ text: `event ${at + i} of run ${run}, ${"word ".repeat(20)}` }),
      stored_at_ms: 1,
    }));
    await db.insertInto("run_events").values(rows).execute();
  }
  return run;
}

async function stored(run: number): Promise<string> {
  const events = [];
  for (let after = 0; ; after = events.at(-1)?.id ?? after) {
    const page = await listEvents(fixture.database.kysely, run, after, 500);
    events.push(...page);
    if (page.length < 500) return events.map((event) => `${JSON.stringify(event)}\n`).join("");
  }
}

/** From wherever the database says that it is. */
async function transcript(run: number): Promise<string> {
  const db = fixture.database.kysely;
  const archive = await db
    .selectFrom("transcript_archives")
    .select("file")
    .where("run_id", "=", run)
    .executeTakeFirst();
  if (archive === undefined) return stored(run);
  return gunzipSync(await Bun.file(join(folder, archive.file)).bytes()).toString();
}

function start() {
  const { url, sqliteFile } = fixture.address;
  return Bun.spawn([process.execPath, CHILD, url ?? "-", sqliteFile, folder], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
}

const archives = async () =>
  (await fixture.database.kysely.selectFrom("transcript_archives").select("run_id").execute()).length;

test("a server that is killed again and again while it archives loses no event, and ends with one file a run", async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    const before = await archives();
    const child = start();
    // Killed where it happens to be once it has got one further, or is through.
    await eventually(
      "a transcript is archived",
      async () => (await archives()) > before || child.exitCode !== null,
      60_000,
    );
    child.kill("SIGKILL");
    await child.exited;
    for (const [run, text] of expected) expect([run, await transcript(run)]).toEqual([run, text]);
  }
  const last = start();
  expect(await new Response(last.stdout).text()).toBe("ready\ndone\n");
  const { left } = await fixture.database.kysely
    .selectFrom("run_events")
    .select((eb) => eb.fn.countAll<number>().as("left"))
    .executeTakeFirstOrThrow();
  expect([Number(left), await archives()]).toEqual([0, RUNS]);
  for (const [run, text] of expected) expect([run, await transcript(run)]).toEqual([run, text]);
  await tidyArchive(fixture.database, folder, 0);
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.includes("run-"));
  expect(files).toHaveLength(RUNS);
});
