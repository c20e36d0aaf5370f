import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { EventOutline } from "@windshift/contract/api/event-outline.ts";
import { EventPage } from "@windshift/contract/api/run.ts";
import { RunEvent } from "@windshift/contract/event.ts";
import { EVENT_PAGE_MAX } from "@windshift/contract/limits.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createTestWorkspace, startLiveRun, type TestWorkspace } from "../testing/test-workspace.ts";
import { appendEvents } from "./run-events.ts";

setDefaultTimeout(60_000);

let server: TestServer;
let ada: TestClient;
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startTestServer();
  ada = await server.setUp();
  workspace = await createTestWorkspace(ada, "DEMO");
});
afterAll(() => server.close());

/** Events up to that number of two runs in turn, so that the ids of one have gaps. What is stored is sent again as it was. */
async function record(runs: readonly { runId: number; attempt: number }[], count: number): Promise<void> {
  const at = "2026-01-01T00:00:00.000Z";
  for (let seq = 1; seq <= count; seq += 100)
    for (const { runId, attempt } of runs) {
      const batch = Array.from({ length: Math.min(100, count - seq + 1) }, (_, index) =>
        RunEvent.parse({ seq: seq + index, at, type: "stdout", data: { text: `line ${seq + index}` } }),
      );
      await appendEvents(server.database, runId, attempt, batch);
    }
}

async function outlineOf(runId: number, query = ""): Promise<EventOutline> {
  return EventOutline.parse((await ada.get(`/api/v1/agent-runs/${runId}/events/outline${query}`)).body);
}

test("has no pages before the first event, and one up to the size of a page", async () => {
  const run = await startLiveRun(server, ada, workspace);
  expect(await outlineOf(run.runId)).toEqual({ events_count: 0, page_events: EVENT_PAGE_MAX, starts: [] });
  await record([run], EVENT_PAGE_MAX);
  expect(await outlineOf(run.runId)).toEqual({
    events_count: EVENT_PAGE_MAX,
    page_events: EVENT_PAGE_MAX,
    starts: [0],
  });
});

test("its pages hold every event of the run once, in order, and none of another run", async () => {
  const run = await startLiveRun(server, ada, workspace);
  const other = await startLiveRun(server, ada, workspace);
  const count = 2 * EVENT_PAGE_MAX + 7;
  await record([run, other], count);
  const outline = await outlineOf(run.runId);
  expect([outline.events_count, outline.starts.length]).toEqual([count, 3]);
  const seqs: number[] = [];
  for (const [index, after] of outline.starts.entries()) {
    const path = `/api/v1/agent-runs/${run.runId}/events?after=${after}&limit=${EVENT_PAGE_MAX}`;
    const { events } = EventPage.parse((await ada.get(path)).body);
    const end = outline.starts[index + 1];
    if (end !== undefined) expect(events.at(-1)?.id).toBe(end);
    seqs.push(...events.map(({ seq }) => seq));
  }
  expect(seqs).toEqual(Array.from({ length: count }, (_, index) => index + 1));
});

test("what is seen first comes along: the end of a run that goes on, never less than a screen, and the start of one that is over", async () => {
  const { runId, attempt } = await startLiveRun(server, ada, workspace);
  const opening = async () => (await outlineOf(runId, "?opening=true")).opening;
  const seqs = async () => (await opening())?.events.map(({ seq }) => seq);
  expect(await opening()).toBeUndefined();
  const from = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index);
  await record([{ runId, attempt }], 120);
  expect([(await opening())?.page, await seqs()]).toEqual([0, from(1, 120)]);
  await record([{ runId, attempt }], EVENT_PAGE_MAX + 3);
  expect([(await opening())?.page, await seqs()]).toEqual([0, from(1, EVENT_PAGE_MAX + 3)]);
  await record([{ runId, attempt }], EVENT_PAGE_MAX + 200);
  expect([(await opening())?.page, await seqs()]).toEqual([
    1,
    from(EVENT_PAGE_MAX + 1, EVENT_PAGE_MAX + 200),
  ]);
  await ada.post(`/api/v1/agent-runs/${runId}/cancel`, { force: true });
  expect([(await opening())?.page, await seqs()]).toEqual([0, from(1, EVENT_PAGE_MAX)]);
});
