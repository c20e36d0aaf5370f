import { expect, test } from "bun:test";
import type { RunEvent } from "@windshift/contract/event.ts";
import { EVENT_BATCH_WAIT_MS, EVENT_BYTES_MAX } from "@windshift/contract/limits.ts";
import { createToken } from "@windshift/contract/tokens.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { fastClock } from "@windshift/testing/fast-clock.ts";
import { EventOutbox } from "./event-outbox.ts";
import { MemorySpool } from "./memory-spool.ts";
import { Transcript } from "./transcript.ts";

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const SECRET = createToken("run");

/** A transcript, and what reached the server of it as `type: text or data`. */
function transcriptOf(options: { bytesMax?: number; factor?: number } = {}) {
  const stored: RunEvent[] = [];
  const clock = fastClock(options.factor ?? 50);
  const outbox = new EventOutbox({
    spool: new MemorySpool(),
    append: async (events) => {
      stored.push(...events);
      return { kind: "accepted", ackedSeq: stored.at(-1)?.seq ?? 0 };
    },
    clock,
    log: SILENT,
    onLeaseLost: () => undefined,
  });
  const seen = () => stored.map(({ type, data }) => `${type}: ${data.text ?? JSON.stringify(data)}`);
  return { transcript: new Transcript(outbox, clock, [SECRET], options.bytesMax), stored, seen };
}

test("neighboring lines become one event, and every other event keeps its place between them", async () => {
  const { transcript, seen } = transcriptOf();
  void transcript.text("stdout", "one");
  void transcript.text("stdout", "");
  void transcript.text("stdout", "two");
  void transcript.text("stderr", "alas");
  void transcript.fromAgent("usage", { input_tokens: 1 });
  void transcript.text("content", "Hel");
  void transcript.text("content", "lo");
  void transcript.fromRunner("lifecycle", { phase: "exporting" });
  void transcript.text("stdout", "three");
  await transcript.flush();
  expect(seen()).toEqual([
    "stdout: one\n\ntwo",
    "stderr: alas",
    'usage: {"input_tokens":1}',
    "content: Hello",
    'lifecycle: {"phase":"exporting"}',
    "stdout: three",
  ]);
});

test("joined text stays under half an event, at the ends of lines, and nothing of it is lost", async () => {
  const { transcript, stored } = transcriptOf();
  const lines = Array.from({ length: 50_000 }, (_, i) => `line ${i}`);
  for (const line of lines) await transcript.text("stdout", line);
  await transcript.flush();
  const texts = stored.map((event) => String(event.data.text));
  expect(texts.join("\n")).toBe(lines.join("\n"));
  expect(texts.length).toBeLessThan(30);
  for (const text of texts) expect(text.length).toBeLessThanOrEqual(EVENT_BYTES_MAX / 2);
});

test("text reaches who watches within the wait of a batch, though no more of it comes", async () => {
  const { transcript, seen } = transcriptOf({ factor: 1 });
  const startedMs = performance.now();
  void transcript.text("content", "thinking");
  await eventually("an event is seen", () => seen().length > 0);
  expect(seen()).toEqual(["content: thinking"]);
  // Twice the wait would mean that it waited here and then once more for its batch.
  expect(performance.now() - startedMs).toBeLessThan(2 * EVENT_BATCH_WAIT_MS);
});

test("a secret is hidden in joined lines, and when a model says it in pieces", async () => {
  const { transcript, stored } = transcriptOf();
  void transcript.text("stdout", `token: ${SECRET}`);
  void transcript.text("stdout", `again: ${SECRET}`);
  for (const piece of SECRET) void transcript.text("content", piece);
  await transcript.flush();
  const all = stored.map((event) => String(event.data.text)).join("");
  expect(all).not.toContain(SECRET.slice(10, 30));
  expect(all.match(/\[redacted\]/g)).toHaveLength(3);
});

test("a transcript that is full says so once and takes nothing more of the agent", async () => {
  const { transcript, stored, seen } = transcriptOf({ bytesMax: 100_000 });
  for (let i = 0; i < 10_000; i++) await transcript.text("stdout", `line ${i} of very many`);
  await transcript.fromAgent("message", { role: "agent", text: "lost" });
  await transcript.fromRunner("lifecycle", { phase: "exporting" });
  await transcript.flush();
  expect(JSON.stringify(stored).length).toBeLessThan(101_000);
  const [marker, ...after] = seen().filter((event) => !event.startsWith("stdout: "));
  expect(marker).toContain("the transcript ends here");
  expect(after).toEqual(['lifecycle: {"phase":"exporting"}']);
});
