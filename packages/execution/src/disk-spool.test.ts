import { expect, test } from "bun:test";
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunEvent } from "@windshift/contract/event.ts";
import { EVENT_BATCH_BYTES_MAX, EVENT_BATCH_MAX } from "@windshift/contract/limits.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { fastClock } from "@windshift/testing/fast-clock.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { DiskSpool } from "./disk-spool.ts";
import { EventOutbox } from "./event-outbox.ts";
import { OUTBOX_BYTES_MAX } from "./event-spool.ts";

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const MIB = 1_048_576;

/** An outbox over a spool in `dir`, and a server that is away until the test says otherwise. */
async function spoolOf(dir: string, bytesMax?: number) {
  const clock = fastClock(100);
  const spool = await DiskSpool.open({
    dir,
    clock,
    log: SILENT,
    ...(bytesMax === undefined ? {} : { bytesMax }),
  });
  const server = { away: true, stored: [] as RunEvent[], batches: [] as number[] };
  const append = async (events: readonly RunEvent[]) => {
    if (server.away) throw new Error("away");
    server.batches.push(Buffer.byteLength(JSON.stringify(events)));
    expect(events.length).toBeLessThanOrEqual(EVENT_BATCH_MAX);
    server.stored.push(...events.filter(({ seq }) => seq > server.stored.length));
    return { kind: "accepted" as const, ackedSeq: server.stored.length };
  };
  const outbox = new EventOutbox({ spool, append, clock, log: SILENT, onLeaseLost: () => undefined });
  const file = join(dir, "events.jsonl");
  return { spool, outbox, server, file };
}
/** What is held in memory, without what only waits to be collected. */
function heapBytes(): number {
  Bun.gc(true);
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
const numbers = (events: readonly RunEvent[]) => events.map(({ seq }) => seq);
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

test("F03 an outage neither holds up whoever adds nor grows memory, and everything comes in order afterwards", async () => {
  using dir = tempDir();
  const { spool, outbox, server } = await spoolOf(dir.path);
  const text = "x".repeat(30_000);
  const before = heapBytes();
  for (let i = 0; i < 1_500; i++) await outbox.add("stdout", { text: `${i} ${text}` });
  expect(spool.bytes).toBeGreaterThan(10 * OUTBOX_BYTES_MAX);
  await spool.sync();
  expect(heapBytes() - before).toBeLessThan(OUTBOX_BYTES_MAX);
  server.away = false;
  await outbox.flush();
  expect(numbers(server.stored)).toEqual(upTo(1_500));
  expect(server.stored.every(({ data }, i) => String(data.text).startsWith(`${i} x`))).toBe(true);
  expect(Math.max(...server.batches)).toBeLessThan(EVENT_BATCH_BYTES_MAX + 100);
  await spool.close();
});

test("what the server has is not kept for ever", async () => {
  using dir = tempDir();
  const { spool, outbox, server, file } = await spoolOf(dir.path);
  server.away = false;
  for (let round = 1; round <= 3; round++) {
    for (let i = 0; i < 100; i++) await outbox.add("stdout", { text: "x".repeat(20_000) });
    await outbox.flush();
    await eventually("the file is empty", () => statSync(file).size === 0);
  }
  expect([numbers(server.stored), spool.bytes]).toEqual([upTo(300), 0]);
  await spool.close();
});

test("a full spool leaves out text as it is written alone, and one warning says how much", async () => {
  using dir = tempDir();
  const { spool, outbox, server, file } = await spoolOf(dir.path, 2 * MIB);
  for (let i = 0; i < 400; i++) {
    await outbox.add(i % 2 === 0 ? "content" : "tool_output", { text: `${i} ${"x".repeat(10_000)}` });
    if (i % 10 === 0) await outbox.add("tool_start", { call: i });
  }
  expect(statSync(file).size).toBeLessThan(2 * MIB + 40 * 200);
  // It would fit, but a reader could not tell what is missing before it and what after.
  await outbox.add("content", { text: "small" });
  server.away = false;
  await outbox.flush();
  const texts = server.stored.filter(({ data }) => "text" in data);
  const warnings = server.stored.filter(({ type }) => type === "warning");
  expect(numbers(server.stored)).toEqual(upTo(server.stored.length));
  expect(server.stored.filter(({ type }) => type === "tool_start")).toHaveLength(40);
  expect(warnings).toHaveLength(1);
  expect(texts.map(({ data }) => data.text)).not.toContain("small");
  const missing = 401 - texts.length;
  expect(missing).toBeGreaterThan(150);
  expect(warnings[0]?.data).toMatchObject({
    events: missing,
    message: expect.stringContaining(`${missing} events`),
  });
  expect(Number(warnings[0]?.data.bytes)).toBeGreaterThan((missing - 1) * 10_000);

  await outbox.add("content", { text: "after" });
  await outbox.flush();
  expect(server.stored.at(-1)?.data).toEqual({ text: "after" });
  await spool.close();
});

test("a restart goes on where the server is, and knows of the text that is missing", async () => {
  using dir = tempDir();
  const first = await spoolOf(dir.path, MIB);
  first.server.away = false;
  await first.outbox.add("lifecycle", { phase: "agent" });
  await first.outbox.flush();
  first.server.away = true;
  for (let i = 0; i < 200; i++) await first.outbox.add("content", { text: `${i} ${"x".repeat(10_000)}` });
  await first.outbox.close();
  await first.spool.close();

  const next = await spoolOf(dir.path, MIB);
  expect(next.spool.ackedSeq).toBe(1);
  next.server.away = false;
  next.server.stored.push(...first.server.stored);
  await next.outbox.flush();
  expect(numbers(next.server.stored)).toEqual(upTo(next.spool.lastSeq));
  const kept = next.server.stored.filter(({ type }) => type === "content").length;
  expect(next.server.stored.filter(({ type }) => type === "warning")).toMatchObject([
    { data: { events: 200 - kept } },
  ]);
  await next.spool.close();
});

const TORN: [string, (file: string) => void][] = [
  ["cut in the middle of a record", (file) => truncateSync(file, statSync(file).size - 3)],
  ["with the beginning of another record", (file) => appendFileSync(file, '{"seq":11,"at":"20')],
  [
    "with a block of zeros, as some file systems leave it",
    (file) => appendFileSync(file, Buffer.alloc(4_096)),
  ],
  ["with a line that is JSON and no event", (file) => appendFileSync(file, '{"seq":11}\n')],
];
test.each(TORN)("F09 a file %s is read up to its last whole record", async (_what, tear) => {
  using dir = tempDir();
  const first = await spoolOf(dir.path);
  for (let i = 1; i <= 10; i++) await first.outbox.add("stdout", { text: `line ${i}` });
  await first.outbox.close();
  await first.spool.close();
  const whole = readFileSync(first.file, "utf8");
  tear(first.file);

  const next = await spoolOf(dir.path);
  const last = readFileSync(first.file, "utf8").split("\n").length - 1;
  expect(next.spool.lastSeq).toBe(last);
  expect(whole.startsWith(readFileSync(first.file, "utf8"))).toBe(true);
  expect(last).toBeGreaterThanOrEqual(9);
  next.server.away = false;
  await next.outbox.flush();
  expect(numbers(next.server.stored)).toEqual(upTo(last));
  await next.spool.close();
});

test("a lost note of what was acknowledged sends events twice at worst", async () => {
  using dir = tempDir();
  const first = await spoolOf(dir.path);
  first.server.away = false;
  for (let i = 1; i <= 10; i++) await first.outbox.add("stdout", { text: `line ${i}` });
  await first.outbox.flush();
  await first.outbox.close();
  await first.spool.close();
  writeFileSync(join(dir.path, "progress.json"), Buffer.alloc(128));

  const next = await spoolOf(dir.path);
  next.server.away = false;
  next.server.stored.push(...first.server.stored);
  await next.outbox.flush();
  expect(numbers(next.server.stored)).toEqual(upTo(10));
  expect(next.spool.ackedSeq).toBe(10);
  await next.spool.close();
});

test("a lost lease frees whoever waits and sends nothing more", async () => {
  using dir = tempDir();
  const { spool, outbox, server } = await spoolOf(dir.path);
  await outbox.add("stdout", { text: "said" });
  outbox.abandon();
  await outbox.add("stdout", { text: "unsaid" });
  await outbox.flush();
  expect([server.stored, spool.lastSeq, await spool.head()]).toEqual([[], 1, []]);
  await spool.close();
});
