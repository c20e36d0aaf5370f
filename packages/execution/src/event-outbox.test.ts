import { expect, test } from "bun:test";
import { AppError } from "@windshift/contract/app-error.ts";
import type { RunEvent } from "@windshift/contract/event.ts";
import { EVENT_BATCH_BYTES_MAX, EVENT_BATCH_MAX, EVENT_BATCH_WAIT_MS } from "@windshift/contract/limits.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { fastClock } from "@windshift/testing/fast-clock.ts";
import { ManualClock } from "@windshift/testing/manual-clock.ts";
import type { WriteReply } from "./control-plane.ts";
import { EventOutbox } from "./event-outbox.ts";
import { OUTBOX_BYTES_MAX } from "./event-spool.ts";
import { MemorySpool } from "./memory-spool.ts";

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

function outboxOf(append: (events: readonly RunEvent[]) => Promise<WriteReply>) {
  const lost: string[] = [];
  const onLeaseLost = () => void lost.push("lost");
  const spool = new MemorySpool();
  return { outbox: new EventOutbox({ spool, append, clock: fastClock(50), log: SILENT, onLeaseLost }), lost };
}
const acked = (events: readonly RunEvent[]): WriteReply => ({
  kind: "accepted",
  ackedSeq: events.at(-1)?.seq ?? 0,
});

test("batches by count and by bytes, in order, without a gap", async () => {
  const batches: RunEvent[][] = [];
  const { outbox } = outboxOf(async (events) => {
    batches.push([...events]);
    return acked(events);
  });
  for (let i = 0; i < 250; i++) void outbox.add("content", { text: String(i) });
  for (let i = 0; i < 10; i++) void outbox.add("content", { text: "x".repeat(60_000) });
  await outbox.flush();
  const all = batches.flat();
  expect(all.map((event) => event.seq)).toEqual(Array.from({ length: 260 }, (_, i) => i + 1));
  for (const batch of batches) {
    expect(batch.length).toBeLessThanOrEqual(EVENT_BATCH_MAX);
    expect(JSON.stringify(batch).length).toBeLessThan(EVENT_BATCH_BYTES_MAX + batch.length * 2);
  }
});

test("holds up whoever adds while the server is away, and lets go when it is back", async () => {
  let away = true;
  let stored = 0;
  const { outbox } = outboxOf(async (events) => {
    if (away) throw new Error("away");
    stored += events.length;
    return acked(events);
  });
  const text = "x".repeat(60_000);
  const full = Math.ceil(OUTBOX_BYTES_MAX / text.length) + 1;
  let held = true;
  for (let i = 0; i < full; i++) void outbox.add("content", { text });
  const last = outbox.add("content", { text }).then(() => {
    held = false;
  });
  await Bun.sleep(0);
  expect(held).toBe(true);
  away = false;
  await last;
  await outbox.flush();
  expect(stored).toBe(full + 1);
});

test("a lost lease frees whoever waits, is told once, and drops what comes after", async () => {
  const { outbox, lost } = outboxOf(async () => ({ kind: "lease_lost" }));
  const text = "x".repeat(60_000);
  const held = Array.from({ length: 100 }, () => outbox.add("content", { text }));
  await Promise.all(held);
  await outbox.flush();
  await outbox.add("content", { text });
  expect(lost).toEqual(["lost"]);
});

test("a server that takes part of a batch gets the rest again", async () => {
  const stored: number[] = [];
  const { outbox } = outboxOf(async (events) => {
    const taken = events.slice(0, 2);
    stored.push(...taken.map((event) => event.seq));
    return acked(taken);
  });
  for (let i = 0; i < 5; i++) void outbox.add("content", { text: String(i) });
  await outbox.flush();
  expect(stored).toEqual([1, 2, 3, 4, 5]);
});

test("an event the server refuses is replaced by a warning under the same number", async () => {
  const stored: RunEvent[] = [];
  const { outbox } = outboxOf(async (events) => {
    if (events.some((event) => event.type === "content")) throw new AppError("invalid_input", "bad event");
    stored.push(...events);
    return acked(events);
  });
  await outbox.add("content", { text: "refused" });
  await outbox.flush();
  expect(stored).toMatchObject([
    { seq: 1, type: "warning", data: { message: expect.stringContaining("refused") } },
  ]);
});

test("of a batch only the event that is refused alone is replaced", async () => {
  const stored: RunEvent[] = [];
  const { outbox } = outboxOf(async (events) => {
    if (events.some(({ data }) => data.text === "bad")) throw new AppError("invalid_input", "bad event");
    for (const event of events) if (event.seq === stored.length + 1) stored.push(event);
    return { kind: "accepted", ackedSeq: stored.length };
  });
  for (let i = 1; i <= EVENT_BATCH_MAX; i++)
    void outbox.add("content", { text: i === 40 ? "bad" : String(i) });
  await outbox.flush();
  expect(stored).toHaveLength(EVENT_BATCH_MAX);
  expect(stored.filter(({ type }) => type === "warning").map(({ seq }) => seq)).toEqual([40]);
});

test("a failure among the events that are sent one by one loses and repeats none", async () => {
  const stored: RunEvent[] = [];
  let away = 1;
  const { outbox } = outboxOf(async (events) => {
    if (events.some(({ data }) => data.text === "bad")) throw new AppError("too_large", "bad event");
    if (events[0]?.seq === 5 && away-- > 0) throw new AppError("unavailable", "away");
    for (const event of events) {
      expect(event.seq).toBe(stored.length + 1);
      stored.push(event);
    }
    return { kind: "accepted", ackedSeq: stored.length };
  });
  for (let i = 1; i <= 8; i++) void outbox.add("content", { text: i === 7 ? "bad" : String(i) });
  await outbox.flush();
  expect(stored.map(({ seq, type }) => [seq, type])).toEqual(
    [1, 2, 3, 4, 5, 6, 7, 8].map((seq) => [seq, seq === 7 ? "warning" : "content"]),
  );
});

test("a server that was set back to before what it confirmed ends the transcript with a sentence, not the job", async () => {
  const errors: string[] = [];
  const lost: string[] = [];
  let calls = 0;
  const outbox = new EventOutbox({
    spool: new MemorySpool(),
    append: async (events) => (++calls === 1 ? acked(events) : { kind: "accepted", ackedSeq: 1 }),
    clock: fastClock(50),
    log: { ...SILENT, error: (message) => void errors.push(message) },
    onLeaseLost: () => void lost.push("lost"),
    // Without an end of its own this test would never end.
    triesMax: 5,
  });
  for (let i = 0; i < 3; i++) void outbox.add("content", { text: String(i) });
  await outbox.flush();
  await outbox.add("content", { text: "after the restore" });
  await outbox.flush();
  expect([outbox.end, calls, lost]).toEqual(["set_back", 2, []]);
  expect(errors).toEqual([expect.stringContaining("set back to an earlier state")]);
});

test("waits as long as the server asks before it sends a batch again", async () => {
  const clock = new ManualClock();
  const triedMs: number[] = [];
  const outbox = new EventOutbox({
    spool: new MemorySpool(),
    append: async (events) => {
      triedMs.push(clock.nowMs());
      if (triedMs.length > 1) return acked(events);
      throw new AppError("rate_limited", "slower", { retryAfterS: 7 });
    },
    clock,
    log: SILENT,
    onLeaseLost: () => undefined,
  });
  void outbox.add("lifecycle", { phase: "agent" }, true);
  await clock.pass(6_999);
  expect(triedMs).toEqual([0]);
  await clock.pass(1 + EVENT_BATCH_WAIT_MS);
  expect(triedMs).toEqual([0, 7_000 + EVENT_BATCH_WAIT_MS]);
  await outbox.close();
});

test("F25 other events under the same numbers end the transcript, not the job", async () => {
  let calls = 0;
  const { outbox, lost } = outboxOf(() => {
    calls++;
    return Promise.reject(new AppError("conflict", "other bytes"));
  });
  await outbox.add("content", { text: "mine" });
  await outbox.flush();
  await outbox.add("content", { text: "more" });
  await outbox.flush();
  expect([outbox.end, calls, lost]).toEqual(["conflict", 1, []]);
});

test("a server that takes no more of an attempt, not even a few words, ends the transcript, not the job", async () => {
  let calls = 0;
  const { outbox, lost } = outboxOf(() => {
    calls++;
    return Promise.reject(new AppError("too_large", "no room"));
  });
  await outbox.add("content", { text: "mine" });
  await outbox.flush();
  await outbox.add("content", { text: "more" });
  await outbox.flush();
  expect([outbox.end, calls, lost]).toEqual(["refused", 3, []]);
});

test.each(["lease_lost", "superseded"] as const)("an append refused as %s is a lost lease", async (code) => {
  const { outbox, lost } = outboxOf(() => Promise.reject(new AppError(code, "not yours")));
  await outbox.add("content", { text: "late" });
  await outbox.flush();
  expect([outbox.end, lost]).toEqual(["lease_lost", ["lost"]]);
});

test("goes on after a flush of nothing", async () => {
  const stored: RunEvent[] = [];
  const { outbox } = outboxOf(async (events) => {
    stored.push(...events);
    return acked(events);
  });
  await outbox.flush();
  await outbox.add("content", { text: "first" });
  await outbox.flush();
  expect(stored).toHaveLength(1);
});

test("an append that never answers is given up and sent again", async () => {
  let calls = 0;
  const { outbox } = outboxOf((events) => {
    calls++;
    return calls === 1 ? new Promise(() => undefined) : Promise.resolve(acked(events));
  });
  await outbox.add("lifecycle", { phase: "agent" }, true);
  await eventually("the second call was made", () => calls === 2);
  await outbox.flush();
});

test("a flood into a server of the same process leaves the process to others in between", async () => {
  const batches: number[] = [];
  const { outbox } = outboxOf(async (events) => {
    batches.push(events.length);
    // As an embedded database does: it works, and has its answer before anybody else has a turn.
    const endMs = performance.now() + 2;
    while (performance.now() < endMs);
    return acked(events);
  });
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  for (let i = 0; i < 500; i++) await outbox.add("stdout", { text: "x".repeat(60_000) });
  await outbox.flush();
  clearInterval(timer);
  expect(batches.length).toBeGreaterThan(100);
  expect(turns).toBeGreaterThan(batches.length / 2);
});
