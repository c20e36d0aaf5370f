import { expect, test } from "bun:test";
import { cpuMs } from "@windshift/testing/cpu-time.ts";
import type { JsonObject } from "../json.ts";
import { REPLY_CHARS_MAX, ReplyReader } from "./reply-reader.ts";

const SSE = "text/event-stream; charset=utf-8";
const event = (data: unknown) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const delta = (content: string, finish_reason: string | null = null): JsonObject => ({
  choices: [{ index: 0, delta: { content }, finish_reason }],
});
const STOP: JsonObject = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
const CALL: JsonObject = {
  choices: [{ delta: { tool_calls: [{ index: 0, id: "a", function: { name: "bash", arguments: "{}" } }] } }],
};

/** Reads a body as it would come, and once more byte by byte, which must give the same. */
function read(body: string | Uint8Array, contentType = SSE) {
  const bytes = Buffer.from(body);
  const once = readChunks([bytes], contentType);
  const slow = readChunks(
    [...bytes].map((byte) => Uint8Array.of(byte)),
    contentType,
  );
  // Of a reply that fails, more text was told of the slower it came.
  if (once.kind === "reply") expect(slow).toEqual(once);
  else expect(slow).toEqual({ ...once, text: slow.text });
  return once;
}
function readChunks(chunks: Uint8Array[], contentType: string) {
  const reader = new ReplyReader(contentType);
  let text = "";
  for (const chunk of chunks) {
    const got = reader.push(chunk);
    if (got.kind === "failure") return { ...got, text };
    text += got.text;
    if (reader.done) break;
  }
  const end = reader.end();
  return { ...end, text: text + end.text };
}
const textOf = (body: string, contentType = SSE) => {
  const end = read(body, contentType);
  return end.kind === "reply" ? end.reply.text : `${end.kind}: ${end.failure.message}`;
};

test("keep-alives, other fields, empty events and chunks of other kinds are passed over", () => {
  const noise = [
    ": OPENROUTER PROCESSING\n\n",
    ": keep-alive\n",
    "event: ping\ndata:\n\n",
    event({}),
    event({ choices: [], prompt_filter_results: [{ content_filter_results: {} }] }),
    event({ error: null, ...delta("") }),
    event(5),
    event([]),
    event('"text"'),
    "retry: 1000\nid: 7\nnonsense\n\n",
  ];
  const body = noise.map((one, at) => one + event(delta(String(at)))).join("");
  expect(textOf(body + event(STOP) + event("[DONE]"))).toBe("0123456789");
});

test("an end is finish_reason or [DONE]; a stream with neither was cut", () => {
  expect(textOf(event(delta("a", "stop")))).toBe("a");
  expect(textOf(event(delta("a")) + event("[DONE]"))).toBe("a");
  expect(textOf(event(CALL) + event("[DONE]"))).toBe("");
  expect(read(event(delta("a")))).toMatchObject({
    kind: "failure",
    failure: { kind: "broken", retry: true },
  });
  expect(textOf(event("[DONE]"))).toContain("ended before the reply was complete");
  expect(textOf("")).toContain("ended before the reply was complete");
});

test("what follows [DONE] is not read", () => {
  expect(textOf(event(delta("a", "stop")) + event("[DONE]") + event({ error: { message: "x" } }))).toBe("a");
});

test("figures behind the end are still taken", () => {
  const usage = { choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 } };
  expect(read(event(delta("a", "stop")) + event(usage) + event("[DONE]"))).toMatchObject({
    reply: { usage: { inputTokens: 5, outputTokens: 2 } },
  });
});

test("a last event without the empty line after it counts when it is whole", () => {
  expect(textOf(event(delta("a")) + event(STOP).trimEnd())).toBe("a");
  expect(textOf(event(delta("a")) + event(STOP).slice(0, -5))).toContain("ended before");
});

test("events that are not parted by empty lines are read line by line", () => {
  const lines = [delta("a"), delta("b"), STOP].map((chunk) => `data: ${JSON.stringify(chunk)}\n`).join("");
  expect(textOf(`${lines}data: [DONE]\n\n`)).toBe("ab");
});

test("the body says what it is, whatever the header says", () => {
  const stream = event(delta("a")) + event(STOP) + event("[DONE]");
  const document = JSON.stringify({ choices: [{ message: { content: "a" }, finish_reason: "stop" }] });
  for (const type of [SSE, "application/json", "text/plain", ""])
    for (const body of [stream, document, `\uFEFF${document}`, `\r\n \n${document}`, `\uFEFF${stream}`])
      expect({ type, body, text: textOf(body, type) }).toEqual({ type, body, text: "a" });
});

test("what is no completion is told with its beginning", () => {
  for (const body of ["", "oops", "[]", "null", "{}", '{"choices":[]}', "<html>no</html>", "{".repeat(99)])
    for (const type of ["application/json", SSE]) expect(read(body, type)).toMatchObject({ kind: "failure" });
  expect(textOf("<html>hello</html>", "text/html")).toContain("not a completion: <html>hello");
  expect(textOf(event("{broken"))).toContain("no chunk but {broken");
});

test("an error within a stream or in place of a completion is told by its words", () => {
  const errors: [JsonObject | string, object][] = [
    [{ error: { message: "overloaded" } }, { kind: "broken", retry: true }],
    [{ error: { code: 502, message: "Provider returned error" } }, { kind: "refused", retry: true }],
    [{ error: { code: 429, message: "slow down" } }, { kind: "refused", retry: true, busy: true }],
    [{ error: { code: 400, message: "bad tool" } }, { kind: "refused", retry: false }],
    [{ error: "out of memory" }, { kind: "broken", retry: true }],
    [
      { object: "error", message: "boom", code: 500 },
      { kind: "refused", retry: true },
    ],
    [
      { type: "error", message: "boom" },
      { kind: "broken", retry: true },
    ],
    [
      { error: { code: "lease_lost", message: "gone", type: "windshift_error" } },
      { kind: "refused", code: "lease_lost", retry: false },
    ],
    [{ error: { code: "budget_exhausted", message: "spent" } }, { code: "budget_exhausted", retry: false }],
    [{ error: { code: "upstream_failed", message: "cut" } }, { code: "upstream_failed", retry: true }],
    [{ error: { message: "Context size has been exceeded." } }, { kind: "overflow", retry: false }],
    [{ error: { code: "context_length_exceeded", message: "x" } }, { kind: "overflow" }],
  ];
  for (const [error, failure] of errors) {
    expect(read(event(delta("a")) + event(error))).toMatchObject({ kind: "failure", failure });
    expect(read(`event: error\n${event(error)}`)).toMatchObject({ kind: "failure", failure });
    expect(read(JSON.stringify(error), "application/json")).toMatchObject({ kind: "failure", failure });
  }
  expect(read(event({ choices: [], error: { code: 502, message: "no luck" } }))).toMatchObject({
    failure: { message: expect.stringContaining("no luck") },
  });
});

test("an error behind the end of a reply takes nothing from it", () => {
  expect(textOf(event(delta("a", "stop")) + event({ error: { message: "late" } }))).toBe("a");
});

test("an empty reply is a reply, but not when there was no room to say anything", () => {
  expect(read(event(STOP))).toMatchObject({ kind: "reply", reply: { text: "", toolCalls: [] } });
  expect(read(event(delta("", "length")))).toMatchObject({ failure: { kind: "overflow" } });
  const thought = { choices: [{ delta: { reasoning: "hm" }, finish_reason: "length" }] };
  expect(read(event(thought))).toMatchObject({ kind: "reply" });
});

test("PI-10 a reply longer than any model's is given up as soon as that is seen", () => {
  const chunk = Buffer.from(event(delta("x".repeat(65_536))));
  const reader = new ReplyReader(SSE);
  let pushed = 0;
  while (reader.push(chunk).kind === "text") pushed += 65_536;
  expect(pushed).toBe(REPLY_CHARS_MAX);
  const call = { function: { name: "bash", arguments: "x".repeat(REPLY_CHARS_MAX + 1) } };
  const body = JSON.stringify({ choices: [{ message: { tool_calls: [call] } }] });
  expect(readChunks([Buffer.from(body)], "application/json")).toMatchObject({
    failure: { message: expect.stringContaining("characters") },
  });
});

test("a bomb of brackets is no reply", async () => {
  const bomb = `{"choices":[{"delta":{"content":${"[".repeat(100_000)}${"]".repeat(100_000)}}}]}`;
  const took = await cpuMs(() =>
    expect(readChunks([Buffer.from(event(bomb))], SSE)).toMatchObject({ failure: { kind: "broken" } }),
  );
  expect(took).toBeLessThan(500);
});
