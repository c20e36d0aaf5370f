import { afterEach, describe, expect, test } from "bun:test";
import { chunk, DONE_CHUNK, QUESTION, startBroker, USAGE_CHUNK } from "./llm-broker.fixture.ts";
import { createLlmBroker } from "./llm-broker.ts";
import { LLM_LINE_BYTES_MAX } from "./llm-limits.ts";

/** What the broker may hold of one stream, bytes. Source: SECURITY, LB-13. */
const HELD_BYTES_MAX = 262_144;
const STREAMS = 200;
/** As the runtime hands them over when a provider is fast. */
const PIECE_BYTES = 65_536;

const fixtures: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of fixtures.splice(0)) await one.close();
});

/** A broker called without sockets in between, so that what was taken and not given out is held by the broker itself. */
function startInMemory(bodyOf: () => ReadableStream<Uint8Array>) {
  const fixture = startBroker("http://127.0.0.1:9");
  fixtures.push(fixture);
  let run = 0;
  const broker = createLlmBroker({
    grants: {
      find: async () => ({
        ...fixture.grant,
        runId: (fixture.grant.runId + ++run) as typeof fixture.grant.runId,
      }),
    },
    ledger: { record: async (entry) => void fixture.usage.push(entry) },
    log: { warn: () => {}, error: () => {} },
    fetch: async () => new Response(bodyOf(), { headers: { "Content-Type": "text/event-stream" } }),
  });
  const call = () =>
    broker(
      new Request("http://broker.test/v1/chat/completions", {
        method: "POST",
        headers: { Authorization: `Bearer ${fixture.token}` },
        body: JSON.stringify({ ...QUESTION, stream: true }),
      }),
    );
  return { call, usage: fixture.usage };
}

/** A stream that counts what was taken of it. */
function countedStream(pieces: Iterator<string>) {
  const taken = { bytes: 0, ended: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const { value, done } = pieces.next();
        if (done) return controller.close();
        taken.bytes += value.length;
        controller.enqueue(Buffer.from(value));
      },
      cancel: () => {
        taken.ended = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, taken };
}

/** Events in pieces that end in the middle of one, without an end. */
function* eventsInPieces(): Generator<string> {
  const event = chunk("x".repeat(10_000));
  for (let rest = ""; ; ) {
    while (rest.length < PIECE_BYTES) rest += event;
    yield rest.slice(0, PIECE_BYTES);
    rest = rest.slice(PIECE_BYTES);
  }
}

describe("LB-13 what is held of a stream", () => {
  test(`by a caller that stopped reading is at most 256 KiB, in each of ${STREAMS} streams`, async () => {
    const streams: ReturnType<typeof countedStream>[] = [];
    const { call } = startInMemory(() => {
      const stream = countedStream(eventsInPieces());
      streams.push(stream);
      return stream.body;
    });
    const readers = await Promise.all(
      Array.from({ length: STREAMS }, async () => (await call()).body?.getReader()),
    );
    let read = 0;
    for (let turn = 0; turn < 20; turn++) {
      const pieces = await Promise.all(readers.map((reader) => reader?.read()));
      read += pieces.reduce((sum, piece) => sum + (piece?.value?.length ?? 0), 0);
      const held = streams.reduce((sum, { taken }) => sum + taken.bytes, 0) - read;
      expect(held / STREAMS).toBeLessThanOrEqual(HELD_BYTES_MAX);
    }
    // Nobody reads now: however often the process comes around, no more is taken.
    const before = streams.map(({ taken }) => taken.bytes);
    for (let turn = 0; turn < 100; turn++) await Bun.sleep(0);
    expect(streams.map(({ taken }) => taken.bytes)).toEqual(before);
    expect(Math.max(...before) - read / STREAMS).toBeLessThanOrEqual(HELD_BYTES_MAX);
    await Promise.all(readers.map((reader) => reader?.cancel()));
    expect(streams.every(({ taken }) => taken.ended)).toBe(true);
  });

  test("of a line without an end is at most 256 KiB; then the stream is over and the provider let go", async () => {
    function* endless() {
      yield chunk("one");
      yield "data: ";
      for (;;) yield "x".repeat(PIECE_BYTES);
    }
    const stream = countedStream(endless());
    const { call, usage } = startInMemory(() => stream.body);
    const text = await (await call()).text();
    expect(text).toStartWith(chunk("one"));
    expect(text).toContain("upstream_failed");
    expect(text.length).toBeLessThan(1_000);
    expect(stream.taken.bytes).toBeLessThanOrEqual(LLM_LINE_BYTES_MAX + 2 * PIECE_BYTES);
    expect(stream.taken.ended).toBe(true);
    expect(usage).toMatchObject([{ status: 502, estimated: true }]);
  });

  test("is nothing once it ended: its pieces can be collected", async () => {
    const refs: WeakRef<object>[] = [];
    const { call } = startInMemory(() => {
      const left = [chunk("one"), USAGE_CHUNK, DONE_CHUNK];
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          const text = left.shift();
          if (text === undefined) return controller.close();
          const piece = Buffer.from(text);
          refs.push(new WeakRef(piece));
          controller.enqueue(piece);
        },
      });
      refs.push(new WeakRef(body));
      return body;
    });
    for (let at = 0; at < 50; at++) await (await call()).text();
    expect(refs.length).toBeGreaterThanOrEqual(200);
    for (let turn = 0; turn < 10; turn++) {
      await Bun.sleep(0);
      Bun.gc(true);
    }
    // The last few may still be in a register or on the stack.
    expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(20);
  });
});
