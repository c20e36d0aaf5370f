import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import {
  answerOf,
  httpChunk,
  LAST_CHUNK,
  type RawAnswer,
  RawModel,
  sse,
  streamHead,
} from "../testing/raw-model.ts";
import { CALL_LIMITS, callModel } from "./model-call.ts";
import { noAnswer } from "./model-failure.ts";

const TEXT = sse({ choices: [{ delta: { content: "a" } }] });
const STOP = sse({ choices: [{ delta: {}, finish_reason: "stop" }] });
const DONE = sse("[DONE]");
const DOCUMENT = JSON.stringify({ choices: [{ message: { content: "a" }, finish_reason: "stop" }] });
const FAST = { headerMsMax: 300, silenceMsMax: 300, afterEndMsMax: 100, replyMsMax: 5_000 };

async function called(url: string, limits = CALL_LIMITS, signal = new AbortController().signal) {
  const request = { url: `${url}/v1/chat/completions`, apiKey: "key", body: "{}" };
  let text = "";
  const startedMs = performance.now();
  const result = await callModel(request, (piece) => (text += piece), signal, limits);
  return { result, text, ms: performance.now() - startedMs };
}
const answered = async (answer: RawAnswer, limits = CALL_LIMITS) => {
  await using model = await RawModel.start(answer);
  return await called(model.url, limits);
};

/** What a server can leave a client waiting for, and what it has written by then. */
const WAITS: Record<string, Buffer[]> = {
  "the header": [],
  "the rest of the header": [Buffer.from("HTTP/1.1 200 OK\r\ncontent-ty")],
  "the first byte of a stream": [streamHead()],
  "the rest of a stream": [streamHead(), httpChunk(TEXT)],
  "the rest of an event": [streamHead(), httpChunk(TEXT + STOP.slice(0, 9))],
  "the rest of a document": [answerOf(DOCUMENT).subarray(0, -5)],
  "the rest of a refusal": [answerOf("no such thing", "text/plain", 500).subarray(0, -5)],
  "the rest of a packed reply": [
    Buffer.from("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 500\r\n\r\n"),
    Buffer.from(Bun.gzipSync(DOCUMENT)).subarray(0, 12),
  ],
};

for (const [what, bytes] of Object.entries(WAITS)) {
  const answer: RawAnswer = (socket) => void socket.write(Buffer.concat(bytes));
  test(`an abort ends the wait for ${what} at once`, async () => {
    await using model = await RawModel.start(answer);
    const controller = new AbortController();
    const call = called(model.url, CALL_LIMITS, controller.signal);
    await eventually("the request is there", () => model.requests === 1);
    const abortedMs = performance.now();
    controller.abort();
    expect((await call).result).toEqual({ kind: "aborted" });
    expect(performance.now() - abortedMs).toBeLessThan(20_000);
  });

  test(`the wait for ${what} has an end`, async () => {
    const { result } = await answered(answer, FAST);
    expect(result).toMatchObject({ kind: "failure", failure: { retry: true } });
    if (result.kind === "failure") expect(result.failure.message).toContain("silence for 0.3 s");
  });
}

test("a signal that has aborted already sends nothing", async () => {
  await using model = await RawModel.start(() => {});
  expect((await called(model.url, CALL_LIMITS, AbortSignal.abort())).result).toEqual({ kind: "aborted" });
  expect(model.requests).toBe(0);
});

test("an abort ends the wait for a TLS handshake", async () => {
  await using model = await RawModel.start(() => {});
  const controller = new AbortController();
  const call = called(model.url.replace("http", "https"), CALL_LIMITS, controller.signal);
  await eventually("the connection is there", () => model.connections === 1);
  controller.abort();
  expect((await call).result).toEqual({ kind: "aborted" });
});

test("a stream that drips for ever ends", async () => {
  for (const drip of [": keep-alive\n\n", "x", sse({})]) {
    const answer: RawAnswer = (socket) => {
      socket.write(streamHead());
      const timer = setInterval(() => socket.write(httpChunk(drip)), 20);
      socket.on("close", () => clearInterval(timer));
    };
    const { result } = await answered(answer, { ...CALL_LIMITS, replyMsMax: 500 });
    expect(result).toMatchObject({
      kind: "failure",
      failure: { message: expect.stringContaining("too long") },
    });
  }
});

test("a server that keeps the line open behind [DONE] is not waited for", async () => {
  const { result, text, ms } = await answered((socket) => {
    socket.write(Buffer.concat([streamHead(), httpChunk(TEXT + STOP + DONE)]));
  });
  expect(result).toMatchObject({ kind: "reply", reply: { text: "a", finishReason: "stop" } });
  expect(text).toBe("a");
  expect(ms).toBeLessThan(1_000);
});

test("a server that never says that a whole reply was all is waited for a little", async () => {
  const { result } = await answered(
    (socket) => void socket.write(Buffer.concat([streamHead(), httpChunk(TEXT + STOP)])),
    FAST,
  );
  expect(result).toMatchObject({ kind: "reply", reply: { text: "a" } });
});

test("a connection that breaks behind a whole reply takes nothing from it", async () => {
  await using model = await RawModel.start((socket) => {
    socket.write(Buffer.concat([streamHead(), httpChunk(TEXT + STOP)]));
  });
  const request = { url: model.url, apiKey: undefined, body: "{}" };
  const result = await callModel(
    request,
    () => setImmediate(() => model.cut()),
    new AbortController().signal,
  );
  expect(result).toMatchObject({ kind: "reply", reply: { text: "a" } });
});

test("the connection is used again after a stream", async () => {
  await using model = await RawModel.start((socket) => {
    socket.write(Buffer.concat([streamHead(), httpChunk(TEXT + STOP + DONE), LAST_CHUNK]));
  });
  for (let call = 1; call <= 5; call++) expect((await called(model.url)).result.kind).toBe("reply");
  expect({ requests: model.requests, connections: model.connections }).toEqual({
    requests: 5,
    connections: 1,
  });
});

test("a packed reply is unpacked, also when it was not asked for; a broken one is tried again", async () => {
  const packed = (bytes: Uint8Array) =>
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bytes.length}\r\n\r\n`),
      bytes,
    ]);
  const whole = Bun.gzipSync(DOCUMENT);
  expect((await answered((socket) => void socket.write(packed(whole)))).text).toBe("a");
  const broken = Buffer.from(whole).fill(7, 12, 30);
  expect((await answered((socket) => void socket.write(packed(broken)))).result).toMatchObject({
    kind: "failure",
    failure: { kind: "broken", retry: true },
  });
});

test("PI-10 a reply of a hundred megabytes is given up at sixteen, packed or not", async () => {
  const big = Buffer.alloc(100 * 1_048_576, " ");
  const packed = Bun.gzipSync(big);
  const answers: Record<string, RawAnswer> = {
    plain: (socket) => void socket.write(answerOf(big)),
    packed: (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`);
      socket.write(packed);
    },
  };
  for (const [how, answer] of Object.entries(answers)) {
    const { result } = await answered(answer);
    expect({ how, result }).toMatchObject({
      result: { failure: { retry: false, message: expect.stringContaining("over 16777216 bytes") } },
    });
  }
});

test("a stream of small chunks is held to its characters, not to the bytes around them", async () => {
  const chunk = sse({ choices: [{ delta: { content: "word " } }], padding: "x".repeat(260) });
  const piece = httpChunk(chunk.repeat(1_000));
  const { result, text } = await answered((socket) => {
    socket.write(streamHead());
    for (let at = 0; at < 60; at++) socket.write(piece);
    socket.write(httpChunk(STOP + DONE));
  });
  expect(60 * piece.length).toBeGreaterThan(17 * 1_048_576);
  expect(result.kind).toBe("reply");
  expect(text).toHaveLength(300_000);
});

test("PI-10 a stream that never says anything is given up at 128 MiB, and not tried again", async () => {
  const piece = httpChunk(sse({ padding: "x".repeat(1_048_576) }));
  const { result } = await answered((socket) => {
    socket.write(streamHead());
    for (let at = 0; at < 140; at++) socket.write(piece);
  });
  expect(result).toMatchObject({
    failure: { retry: false, message: expect.stringContaining("over 134217728 bytes") },
  });
});

test("a refusal whose text breaks off is told by its status", async () => {
  const bytes = answerOf(JSON.stringify({ error: { message: "x".repeat(100) } }), "application/json", 503);
  const { result } = await answered((socket) => void socket.end(bytes.subarray(0, -20)));
  expect(result).toMatchObject({
    failure: { kind: "refused", retry: true, message: expect.stringContaining("503") },
  });
});

test("a refusal without end is read no further than a text for people goes", async () => {
  const { result } = await answered((socket) => {
    socket.write("HTTP/1.1 400 No\r\ntransfer-encoding: chunked\r\n\r\n");
    // The first pieces come as one, larger than what is read of a refusal.
    socket.write(httpChunk("x".repeat(262_144)));
    const timer = setInterval(() => socket.write(httpChunk("x".repeat(65_536))), 1);
    socket.on("close", () => clearInterval(timer));
  });
  expect(result).toMatchObject({ failure: { retry: false, message: expect.stringContaining("400: xxx") } });
});

test("a connection that ends before an answer, and an answer that is no HTTP, are tried again", async () => {
  for (const bytes of [
    "",
    "\r\n\r\n",
    "hello\r\n\r\n",
    "HTTP/1.1 abc\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
  ]) {
    const { result } = await answered((socket) => void socket.end(bytes), FAST);
    expect({ bytes, result }).toMatchObject({
      result: { kind: "failure", failure: { kind: "broken", retry: true } },
    });
    if (result.kind === "failure") expect(result.failure.message).not.toContain("verbose");
  }
});

test("where no connection can be made the address is named as what is wrong", async () => {
  const address = "http://127.0.0.1:1";
  expect((await called(address)).result).toMatchObject({
    failure: { kind: "unreachable", code: "api_unreachable", message: expect.stringContaining(address) },
  });
  // What fetch says of names that are none, of ways there are none, and of TLS.
  for (const code of ["ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "EPROTO", "DEPTH_ZERO_SELF_SIGNED_CERT"])
    expect(noAnswer(address, Object.assign(new Error(), { code })).kind).toBe("unreachable");
});

test("a refusal tells of the window too", async () => {
  const { result } = await answered((socket) => {
    socket.write("HTTP/1.1 400 No\r\nx-context-window: 12000\r\ncontent-length: 0\r\n\r\n");
  });
  expect(result).toMatchObject({ failure: { kind: "refused", contextWindow: 12_000 } });
});
