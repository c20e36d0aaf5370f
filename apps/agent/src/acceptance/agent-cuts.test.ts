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
const CUTS: Record<string, (cut: Uint8Array) => RawAnswer> = {
  "a clean end": (cut) => (socket) =>
    void socket.write(Buffer.concat([streamHead(), ...(cut.length > 0 ? [httpChunk(cut)] : []), LAST_CHUNK])),
  "a lost connection": (cut) => (socket) =>
    void socket.end(Buffer.concat([streamHead(), ...(cut.length > 0 ? [httpChunk(cut)] : [])])),
};

const wholeStream: RawAnswer = (socket) =>
  void socket.write(Buffer.concat([streamHead(), httpChunk(STREAM), LAST_CHUNK]));
const wholeDocument: RawAnswer = (socket) => void socket.write(answerOf(DOCUMENT));

/** Runs of the whole agent, one for each cut; the first answer is the cut one, the second whole. */
async function runCuts(
  cuts: readonly number[],
  answersAt: (cut: number) => [RawAnswer, RawAnswer],
  look: (run: SessionRun, cut: number) => void,
): Promise<void> {
  using checkout = await TestCheckout.create();
  const waiting = [...cuts];
  const work = async () => {
    let answers: [RawAnswer, RawAnswer] | undefined;
    let asked = 0;
    await using model = await RawModel.start((socket, request) =>
      answers?.[asked++ === 0 ? 0 : 1](socket, request),
    );
    for (let cut = waiting.shift(); cut !== undefined; cut = waiting.shift()) {
      answers = answersAt(cut);
      asked = 0;
      const run = await runSessionOf(model.url, { checkout: checkout.dir, home: checkout.home });
      expect({ cut, exitCode: run.exitCode }).toEqual({ cut, exitCode: 0 });
      expect({ cut, summaries: run.list("finish").map((end) => end.summary) }).toEqual({
        cut,
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

  for (const [how, cutBy] of Object.entries(CUTS))
    test(`streamed and cut at every byte by ${how} is asked for again, and the run finishes`, async () => {
      const cuts = Array.from({ length: STREAM.length }, (_, at) => at);
      await runCuts(
        cuts,
        (cut) => [cutBy(STREAM.subarray(0, cut)), wholeStream],
        (run, cut) => {
          const tries = run.list("retry").length;
          // The client may lose what came just before the connection: then a whole reply is cut too.
          const expected = cut < COMPLETE_AT ? 1 : how === "a clean end" ? 0 : Math.min(tries, 1);
          expect({ cut, tries }).toEqual({ cut, tries: expected });
        },
      );
    }, 120_000);

  test("as a document cut at every byte is asked for again, and the run finishes", async () => {
    const cuts = Array.from({ length: DOCUMENT.length }, (_, at) => at);
    await runCuts(
      cuts,
      (cut) => [
        (socket) => void socket.end(answerOf(DOCUMENT).subarray(0, cut - DOCUMENT.length)),
        wholeDocument,
      ],
      (run, cut) => expect({ cut, tries: run.list("retry").length }).toEqual({ cut, tries: 1 }),
    );
  }, 120_000);

  test("in chunks of one byte each is one reply", async () => {
    const bytes = [...STREAM].map((byte) => httpChunk(Uint8Array.of(byte)));
    await runCuts(
      [0],
      () => [(socket) => void socket.write(Buffer.concat([streamHead(), ...bytes, LAST_CHUNK])), wholeStream],
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
