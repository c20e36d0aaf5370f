import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { SharedReads } from "../db/shared-reads.ts";
import { LocalSignals } from "../db/signals.ts";
import { pacedStream } from "../http/live-stream.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { streamRun } from "./event-stream.ts";
import { createRun } from "./run-create.ts";

setDefaultTimeout(60_000);
/** More than a page of the stream, and not a whole number of them. */
const EVENTS = 1_234;
/** What a reader takes before its connection breaks, events. */
const TAKEN = 300;
let fix: RunFixture;
beforeEach(async () => {
  fix = await createRunFixture();
});
afterEach(() => fix.close());

test("F26 for a reader that stands still nothing more is made, however long it stands", async () => {
  let made = 0;
  const stream = pacedStream({
    signals: new LocalSignals(),
    topic: "run:1",
    mayLook: async () => true,
    gatherMs: 0,
    look: async function* () {
      for (; made < 10_000; made++) yield `data: ${made}\n\n`;
      return "end";
    },
  });
  const reader = stream.getReader();
  for (let n = 0; n < 5; n++) await reader.read();
  // All that could go on by itself has gone on after a turn of the event loop.
  for (let n = 0; n < 100; n++) await new Promise((resolve) => setImmediate(resolve));
  expect(made).toBeLessThan(10);
  await reader.cancel();
});

test("I7 a reader that breaks off and comes back with its last id ends with exactly what is stored", async () => {
  const run = await runWithEvents();
  const first = await read(run, 0, TAKEN);
  expect(first).toHaveLength(TAKEN);
  const rest = await read(run, first.at(-1)?.id ?? 0, Number.POSITIVE_INFINITY);
  const stored = await fix.database.kysely
    .selectFrom("run_events")
    .select(["id", "data"])
    .where("run_id", "=", run)
    .orderBy("id")
    .execute();
  expect([...first, ...rest]).toEqual(stored.map(({ id, data }) => ({ id, data: JSON.parse(data) })));
  expect(stored).toHaveLength(EVENTS);
});

test("F47 an event whose text is damaged is told in its place, and all others are read", async () => {
  const run = await runWithEvents();
  const { kysely } = fix.database;
  const rows = kysely.selectFrom("run_events").select(["id", "data"]).where("run_id", "=", run);
  const stored = await rows.orderBy("id").execute();
  const hit = stored[700];
  if (hit === undefined) throw new Error("there are too few events");
  // One bit of its first character: `{` becomes `z`.
  const data = String.fromCharCode(hit.data.charCodeAt(0) ^ 1) + hit.data.slice(1);
  await kysely.updateTable("run_events").set({ data }).where("id", "=", hit.id).execute();
  const seen = await read(run, 0, Number.POSITIVE_INFINITY);
  expect(seen.map(({ id }) => id)).toEqual(stored.map(({ id }) => id));
  expect(seen[700]?.data).toEqual({ message: expect.stringContaining("damaged"), stored: data });
  expect(seen[701]?.data).toEqual(JSON.parse(stored[701]?.data ?? ""));
});

/** A run that has ended and has a transcript. */
async function runWithEvents(): Promise<number> {
  const { database, agent, person } = fix;
  const workspaceId = fix.workspaces[0] as number;
  const workItemId = await fix.createItem(workspaceId);
  const request = {
    workspaceId,
    workItemId,
    agentUserId: agent,
    requestedBy: person,
    trigger: "assignee",
  } as const;
  const run = await database.transaction((tx) => createRun(database, tx, request, { llmModel: undefined }));
  const rows = Array.from({ length: EVENTS }, (_, at) => ({
    run_id: run,
    attempt: 1,
    seq: at + 1,
    type: "content",
    at: "2026-01-01T00:00:00.000Z",
    data: JSON.stringify({ text: `${at} ${"ä\n".repeat(50)}` }),
    stored_at_ms: 0,
  }));
  for (let at = 0; at < rows.length; at += 500)
    await database.kysely
      .insertInto("run_events")
      .values(rows.slice(at, at + 500))
      .execute();
  const ended = { status: "succeeded", reason: "completed" } as const;
  await database.kysely.updateTable("runs").set(ended).where("id", "=", run).execute();
  return run;
}

/** Events as the stream gives them, until there are so many or it ends. */
async function read(run: number, after: number, most: number): Promise<{ id: number; data: unknown }[]> {
  const events: { id: number; data: unknown }[] = [];
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of streamRun(fix.database, run, after, async () => true, new SharedReads())) {
    text += decoder.decode(chunk, { stream: true });
    const frames = text.split("\n\n");
    text = frames.pop() ?? "";
    for (const frame of frames) {
      const [, id, data] = /^id: (\d+)\nevent: event\ndata: (.*)$/.exec(frame) ?? [];
      if (id === undefined || data === undefined) continue;
      if (events.length < most) events.push({ id: Number(id), data: JSON.parse(data).data });
    }
    if (events.length >= most) break;
  }
  return events;
}
