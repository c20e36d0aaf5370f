import { describe, expect, test } from "bun:test";
import { ReplyReader } from "../model/reply-reader.ts";
import { TestCheckout } from "../testing/agent-process.ts";
import {
  answerOf,
  httpChunk,
  LAST_CHUNK,
  type RawAnswer,
  RawModel,
  streamHead,
} from "../testing/raw-model.ts";
import { RECORDED_DOCUMENT, RECORDED_REPLY, RECORDED_STREAM } from "../testing/recorded-reply.ts";
import { runSessionOf, type SessionRun } from "../testing/session-run.ts";

const STREAM = Buffer.from(RECORDED_STREAM);
const DOCUMENT = Buffer.from(RECORDED_DOCUMENT);
/** Where the reason stands that makes the rest of the stream dispensable: a cut behind it loses figures at most. */
const COMPLETE_AT =
  STREAM.indexOf('"finish_reason":"tool_calls"}]}') + '"finish_reason":"tool_calls"}]}'.length;
/** Runs at the same time. */
const WORKERS = 4;

/** The ways a stream can be cut: its body is said to end there, or the connection goes. */
const endedAt =
  (cut: number): RawAnswer =>
  (socket) =>
    void socket.write(Buffer.concat([streamHead(), ...chunksTo(cut), LAST_CHUNK]));
const lostAt =
  (cut: number): RawAnswer =>
  (socket) =>
    void socket.end(Buffer.concat([streamHead(), ...chunksTo(cut)]));
const chunksTo = (cut: number) => (cut === 0 ? [] : [httpChunk(STREAM.subarray(0, cut))]);

const wholeStream = endedAt(STREAM.length);
const wholeDocument: RawAnswer = (socket) => void socket.write(answerOf(DOCUMENT));

/** Runs of the whole agent, one for each number below `count`. @param answersAt what the model answers one after the other, the last whole */
async function runEach(
  count: number,
  answersAt: (cut: number) => RawAnswer[],
  look: (run: SessionRun, cut: number) => void,
): Promise<void> {
  using checkout = await TestCheckout.create();
  const place = { checkout: checkout.dir, home: checkout.home, path: "" };
  let next = 0;
  const work = async () => {
    let answers: RawAnswer[] = [];
    await using model = await RawModel.start((socket, request) => answers.shift()?.(socket, request));
    for (let cut = next++; cut < count; cut = next++) {
      answers = answersAt(cut);
      const run = await runSessionOf(model.url, place);
      const summaries = run.list("finish").map((end) => end.summary);
      expect({ cut, exitCode: run.exitCode, summaries }).toEqual({
        cut,
        exitCode: 0,
        summaries: ['prüft "alles" 😀'],
      });
      look(run, cut);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
}

describe("one recorded reply", () => {
  test("is read the same from a stream, from a document, and byte by byte", () => {
    for (const [bytes, type] of [
      [STREAM, "text/event-stream"],
      [DOCUMENT, "application/json"],
    ] as const)
      for (const size of [1, 2, 3, 7, bytes.length]) {
        const reader = new ReplyReader(type);
        for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
        expect(reader.end()).toMatchObject({ kind: "reply", reply: RECORDED_REPLY });
      }
  });

  test("streamed and cut at every byte, by a clean end and by a lost connection, is asked for again, and the run finishes", async () => {
    await runEach(
      COMPLETE_AT,
      (cut) => [endedAt(cut), lostAt(cut), wholeStream],
      (run, cut) => expect({ cut, tries: run.list("retry").length }).toEqual({ cut, tries: 2 }),
    );
  }, 120_000);

  test("streamed and cut where all but its figures was said is taken", async () => {
    const count = STREAM.length - COMPLETE_AT;
    const tries: number[] = [];
    await runEach(
      count,
      (at) => [endedAt(COMPLETE_AT + at)],
      (run) => tries.push(run.list("retry").length),
    );
    expect(Math.max(...tries)).toBe(0);
    // The client may lose what came just before the connection: then a whole reply is cut too.
    await runEach(
      count,
      (at) => [lostAt(COMPLETE_AT + at), wholeStream],
      (run) => expect(run.list("retry").length).toBeLessThan(2),
    );
  }, 120_000);

  test("as a document cut at every byte is asked for again, and the run finishes", async () => {
    const document = answerOf(DOCUMENT);
    await runEach(
      DOCUMENT.length,
      (cut) => [(socket) => void socket.end(document.subarray(0, cut - DOCUMENT.length)), wholeDocument],
      (run, cut) => expect({ cut, tries: run.list("retry").length }).toEqual({ cut, tries: 1 }),
    );
  }, 120_000);

  test("in chunks of one byte each is one reply", async () => {
    const bytes = [...STREAM].map((byte) => httpChunk(Uint8Array.of(byte)));
    await runEach(
      1,
      () => [(socket) => void socket.write(Buffer.concat([streamHead(), ...bytes, LAST_CHUNK]))],
      (run) => {
        expect(run.list("retry")).toEqual([]);
        expect(
          run
            .list("content")
            .map((event) => event.text)
            .join(""),
        ).toBe(RECORDED_REPLY.text);
        expect(run.list("tool_done")[0]).toMatchObject({ tool: "read_file", id: "call_a" });
        expect(run.list("usage")[0]).toMatchObject({ input_tokens: 1200, output_tokens: 45 });
      },
    );
  });
});
