import { expect, test } from "bun:test";
import { StoredEvent } from "@windshift/contract/event.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { TranscriptPages, type TranscriptSource } from "./transcript-pages.ts";

const PAGE = 500;

/** Every second id belongs to another run. */
function eventAt(index: number, textOf: (index: number) => string): StoredEvent {
  const text = textOf(index);
  // A message is a row of its own.
  const base = { id: 2 * index + 10, attempt: 1, seq: index + 1, at: "2026-01-01T00:00:00.000Z" };
  return StoredEvent.parse({ ...base, type: "message", data: { role: "agent", text } });
}

/** A server with so many events that answers like ours, at most `answerMax` at once. */
function stored(count: number, textOf = (index: number) => `event ${index}`, answerMax = PAGE) {
  const asked: number[] = [];
  const failing = new Set<number>();
  const source: TranscriptSource = {
    outline: async () => ({
      events_count: count,
      page_events: PAGE,
      starts: Array.from({ length: Math.ceil(count / PAGE) }, (_, page) =>
        page === 0 ? 0 : eventAt(page * PAGE - 1, textOf).id,
      ),
    }),
    page: async (after, limit) => {
      asked.push(after);
      if (failing.has(after)) throw new Error("no answer");
      const from = Math.max(0, Math.floor((after - 10) / 2) + 1);
      const take = Math.min(limit, answerMax, count - from);
      const events = Array.from({ length: take }, (_, index) => eventAt(from + index, textOf));
      return { events, next_after: events.at(-1)?.id ?? after, ended: true };
    },
  };
  return { source, asked, failing };
}

function textsOf(pages: TranscriptPages): string[] {
  return Array.from({ length: pages.rows }, (_, index) => {
    const row = pages.row(index);
    if (row?.kind === "gap") return `gap of ${row.events}`;
    return row?.entry !== undefined && "text" in row.entry ? row.entry.text : "?";
  });
}

test("a long transcript opens with its ends, and one row stands for each page between", async () => {
  const { source, asked } = stored(1_700);
  const pages = new TranscriptPages(source);
  await pages.open("start");
  await eventually("the last page is there", () => pages.lastId !== undefined);
  expect(asked).toEqual([0, 2 * 1_499 + 10]);
  expect([pages.rows, pages.events]).toEqual([PAGE + 2 + 200, 1_700]);
  expect(textsOf(pages).slice(PAGE - 1, PAGE + 3)).toEqual([
    "event 499",
    "gap of 500",
    "gap of 500",
    "event 1500",
  ]);
});

test("what comes with the outline is not asked for again, a page just begun comes with the one before it", async () => {
  const { source, asked } = stored(1_503);
  const opening = (page: number, from: number, to: number): TranscriptSource => ({
    ...source,
    outline: async () => {
      const events = Array.from({ length: to - from }, (_, index) =>
        eventAt(from + index, (n) => `event ${n}`),
      );
      return { ...(await source.outline()), opening: { page, events } };
    },
  });
  const atEnd = new TranscriptPages(opening(2, 1_000, 1_503));
  await atEnd.open("end");
  expect([asked, atEnd.rows, atEnd.lastId]).toEqual([[], 2 + 503, eventAt(1_502, String).id]);
  expect(textsOf(atEnd).slice(1)).toEqual([
    "gap of 500",
    ...Array.from({ length: 503 }, (_, index) => `event ${1_000 + index}`),
  ]);
  // What was too large to come along is read behind it.
  const cut = new TranscriptPages(opening(2, 1_000, 1_400));
  await cut.open("end");
  expect(asked).toEqual([eventAt(1_399, String).id, eventAt(1_499, String).id]);
  expect([textsOf(cut).slice(1), cut.lastId]).toEqual([textsOf(atEnd).slice(1), atEnd.lastId]);
});

test("loads what is looked at and its neighbors, and every event is there once, in order", async () => {
  const { source } = stored(2_600, undefined, 120);
  const pages = new TranscriptPages(source);
  await pages.open("end");
  for (let row = 0; row < pages.rows; row += 100) {
    pages.need(row, row + 20);
    await eventually(
      "the rows are loaded",
      () => pages.row(row)?.kind === "entry" && pages.row(row + 20)?.kind !== "gap",
    );
  }
  expect(textsOf(pages)).toEqual(Array.from({ length: 2_600 }, (_, index) => `event ${index}`));
});

test("a row keeps its name while pages before it come and go", async () => {
  const { source } = stored(2_000);
  const pages = new TranscriptPages(source);
  await pages.open("end");
  const key = pages.row(pages.rows - 1)?.key ?? "";
  const before = pages.indexOf(key);
  pages.need(0, 0);
  await eventually(
    "the first pages are there",
    () => pages.row(0)?.kind === "entry" && pages.row(600)?.kind === "entry",
  );
  const after = pages.indexOf(key);
  expect([before, after]).toEqual([502, 1_500]);
  expect(after === undefined ? "" : pages.row(after)?.key).toBe(key);
});

test("what was not looked at for the longest time is forgotten, and read again when it is needed", async () => {
  const { source, asked } = stored(6_000, (index) => `${index} `.padEnd(10_000, "x"));
  const pages = new TranscriptPages(source);
  await pages.open("start");
  const chars = () => textsOf(pages).reduce((sum, text) => sum + text.length, 0);
  for (let page = 0; page < 12; page++) {
    await pages.find(eventAt(page * PAGE, String).id);
    expect(chars()).toBeLessThan(27_000_000);
  }
  expect(pages.row(0)?.kind).toBe("gap");
  pages.need(0, 0);
  await eventually("the first page is back", () => pages.row(0)?.kind === "entry");
  expect(asked.filter((after) => after === 0).length).toBe(2);
});

test("new events follow at the end, those that come twice once, and further pages begin as they fill", async () => {
  const { source } = stored(499);
  const pages = new TranscriptPages(source);
  await pages.open("end");
  const fresh = Array.from({ length: 1_300 }, (_, index) => eventAt(480 + index, (n) => `event ${n}`));
  pages.append(fresh.slice(0, 700));
  pages.append(fresh.slice(600));
  expect(textsOf(pages)).toEqual(Array.from({ length: 1_780 }, (_, index) => `event ${index}`));
  expect(pages.lastId).toBe(eventAt(1_779, String).id);
  expect(await pages.find(eventAt(1_200, String).id)).toBe(String(eventAt(1_200, String).id));
});

test("a run without events begins with the first that comes", async () => {
  const pages = new TranscriptPages(stored(0).source);
  await pages.open("end");
  expect([pages.rows, pages.lastId]).toEqual([0, 0]);
  pages.append([eventAt(0, () => "first")]);
  expect(textsOf(pages)).toEqual(["first"]);
});

test("a page that could not be read says so and is read again when asked", async () => {
  const { source, failing } = stored(2_000);
  const pages = new TranscriptPages(source);
  await pages.open("end");
  failing.add(0);
  pages.need(0, 0);
  await eventually("the failure shows", () => {
    const row = pages.row(0);
    return row?.kind === "gap" && row.failed;
  });
  failing.clear();
  pages.retry(0);
  await eventually("the page is there", () => pages.row(0)?.kind === "entry");
});
