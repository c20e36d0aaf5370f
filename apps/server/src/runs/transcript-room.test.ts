import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { RunEvent } from "@windshift/contract/event.ts";
import { TRANSCRIPT_BYTES_MAX } from "@windshift/contract/limits.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { createRun } from "./run-create.ts";
import { appendEvents } from "./run-events.ts";
import { claimRuns } from "./run-queue.ts";
import { ATTEMPT_ROOM, type TranscriptRoom } from "./transcript-room.ts";

setDefaultTimeout(120_000);
const ROOM: TranscriptRoom = { events: 6, bytes: 200 };
let fixture: RunFixture;
let run: number;
beforeAll(async () => {
  fixture = await createRunFixture();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  const { database, pool, runner, person, agent, workspaces } = fixture;
  const [workspace = 0] = workspaces;
  const item = await fixture.createItem(workspace);
  const of = { workspaceId: workspace, workItemId: item, agentUserId: agent, requestedBy: person };
  run = await database.transaction((tx) =>
    createRun(database, tx, { ...of, trigger: "assignee" }, { llmModel: undefined }),
  );
  await claimRuns(database, pool, [{ runner, isolation: "container" }], async (_, claims) =>
    claims.map(() => ({ value: null, prompt: null })),
  );
});

const event = (seq: number, text = "x") =>
  RunEvent.parse({ seq, at: new Date().toISOString(), type: "stdout", data: { text } });
/** As bytes of its stored data. */
const sized = (seq: number, bytes: number) => event(seq, "x".repeat(bytes - '{"text":""}'.length));

async function append(events: RunEvent[], database: Database = fixture.database) {
  return appendEvents(database, run, 1, events, ROOM).catch((error: { code?: string }) => error.code);
}

async function stored(): Promise<number> {
  const rows = fixture.database.kysely.selectFrom("run_events").select("id").where("run_id", "=", run);
  return (await rows.where("seq", ">", 0).execute()).length;
}

test("F27 is above all that an honest runner sends of its agent", () => {
  // Each event of an agent counts for at least a hundred bytes with the runner.
  expect(ATTEMPT_ROOM.events).toBeGreaterThan(TRANSCRIPT_BYTES_MAX / 100);
  expect(ATTEMPT_ROOM.bytes).toBeGreaterThan(TRANSCRIPT_BYTES_MAX);
});

test("ends with the count of events: a batch beyond it is refused whole, one that fits is taken", async () => {
  expect(await append([event(1), event(2), event(3), event(4)])).toEqual({ kind: "accepted", ackedSeq: 4 });
  expect(await append([event(5), event(6), event(7)])).toBe("too_large");
  expect(await stored()).toBe(4);
  expect(await append([event(5), event(6)])).toEqual({ kind: "accepted", ackedSeq: 6 });
  expect(await append([event(7)])).toBe("too_large");
});

test("F27 ends with the bytes, in whatever batches they come; what comes again counts once", async () => {
  expect(await append([sized(1, 100)])).toEqual({ kind: "accepted", ackedSeq: 1 });
  const second = sized(2, 60);
  for (let n = 0; n < 3; n++) expect(await append([second])).toEqual({ kind: "accepted", ackedSeq: 2 });
  expect(await append([sized(3, 41)])).toBe("too_large");
  expect(await append([sized(3, 40)])).toEqual({ kind: "accepted", ackedSeq: 3 });
  expect(await append([sized(4, 12)])).toBe("too_large");
  expect(await stored()).toBe(3);
});

test("counts what another server has stored meanwhile, and what was there before this one started", async () => {
  const other = await openDatabase(fixture.address);
  try {
    expect(await append([sized(1, 80)])).toEqual({ kind: "accepted", ackedSeq: 1 });
    expect(await append([sized(2, 80)], other)).toEqual({ kind: "accepted", ackedSeq: 2 });
    expect(await append([sized(3, 41)])).toBe("too_large");
    expect(await append([sized(3, 41)], other)).toBe("too_large");
    expect(await append([sized(3, 40)])).toEqual({ kind: "accepted", ackedSeq: 3 });
  } finally {
    await other.close();
  }
});

test("what was rolled back takes no room", async () => {
  expect(await append([sized(1, 100), sized(2, 100), event(3)])).toBe("too_large");
  expect(await append([sized(1, 100), sized(2, 100)])).toEqual({ kind: "accepted", ackedSeq: 2 });
});
