import { type Json, type JsonObject, listOf, objectOf } from "../json.ts";
import { fuzzedReply, ODD_VALUES, oddShape } from "./fuzzed-message.ts";
import { sse } from "./raw-model.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** One answer as it goes over the wire. */
export interface FuzzedAnswer {
  pieces: Uint8Array[];
  /** Whether the connection has to end with it: its framing does not say where it ends. */
  closes: boolean;
}

/** How often each layer is disturbed; 0 leaves it as a proper server has it. */
export interface FuzzShares {
  http: number;
  bytes: number;
  framing: number;
  structure: number;
}
export const ALL_LAYERS: FuzzShares = { http: 0.12, bytes: 0.12, framing: 0.25, structure: 0.2 };
/** What does not make the agent wait before it tries again. */
export const INNER_LAYERS: FuzzShares = { http: 0, bytes: 0, framing: 0, structure: 0.1 };

const TYPES = [
  "text/event-stream",
  "application/json",
  "text/plain",
  "",
  "text/html",
  "TEXT/EVENT-STREAM; charset=utf-8",
] as const;
const STATUSES = [
  100, 101, 200, 201, 204, 206, 300, 301, 304, 307, 400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429,
  499, 500, 502, 503, 529, 599, 999,
] as const;
const ODD_HEADERS = [
  "x-context-window: 4096",
  "x-context-window: -1",
  "x-context-window: 1e999",
  "x-context-window: 100000000000000000000",
  "retry-after: 3",
  "retry-after: -1",
  "retry-after: never",
  "retry-after-ms: 99999999999999999999",
  "content-encoding: gzip",
  "content-encoding: nonsense",
  "location: http://127.0.0.1:1/",
  "set-cookie: a=b",
  `x-long: ${"z".repeat(9_000)}`,
] as const;
const ERRORS: readonly [Json, ...Json[]] = [
  "",
  "no",
  "<html><title>Bad Gateway</title></html>",
  { error: { message: "no", code: "rate_limited" } },
  {
    error: { message: "This model's maximum context length is 4096 tokens", code: "context_length_exceeded" },
  },
  { error: { message: "gone", code: "lease_lost" } },
  { error: { message: "spent", code: "budget_exhausted" } },
  { error: null },
  [{ error: 5 }],
  { detail: [{ msg: 1 }] },
];

/** One answer of a model API, disturbed in some of its layers. */
export function fuzzedAnswer(random: SeededRandom, shares: FuzzShares): FuzzedAnswer {
  const reply = fuzzedReply(random);
  const shaped = random.chance(shares.structure) ? oddShape(random, reply) : reply;
  const streamed = random.chance(0.6);
  const text = streamed ? framed(random, shaped, shares) : JSON.stringify(shaped);
  const body = random.chance(shares.bytes) ? disturbed(random, Buffer.from(text)) : Buffer.from(text);
  const type = streamed ? "text/event-stream" : "application/json";
  if (random.chance(shares.http)) return oddHttp(random, body, type);
  const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`;
  return { pieces: cut(random, Buffer.concat([Buffer.from(head), body])), closes: false };
}

/** The reply as a stream of chunks, its arguments and texts in pieces. */
function framed(random: SeededRandom, reply: JsonObject, shares: FuzzShares): string {
  const choice = objectOf(listOf(reply.choices)[0]);
  const message = objectOf(choice.message);
  const chunks: Json[] = [];
  const delta = (fields: JsonObject) =>
    chunks.push({ id: "r", choices: [{ index: 0, delta: fields, finish_reason: null }] });
  for (const [name, value] of Object.entries(message)) {
    if (name === "tool_calls")
      for (const [at, call] of listOf(value).entries())
        for (const piece of callPieces(random, at, call)) delta({ tool_calls: [piece] });
    else for (const piece of piecesOf(random, value)) delta({ [name]: piece });
  }
  chunks.push({ id: "r", choices: [{ index: 0, delta: {}, finish_reason: choice.finish_reason ?? null }] });
  if (reply.usage !== undefined) chunks.push({ id: "r", choices: [], usage: reply.usage });
  const events = [...chunks.map((chunk) => sse(chunk as object)), sse("[DONE]")];
  return random.chance(shares.framing) ? oddFraming(random, events) : events.join("");
}

function piecesOf(random: SeededRandom, value: Json): Json[] {
  if (typeof value !== "string" || value.length < 2) return [value];
  const at = 1 + random.below(value.length - 1);
  return [value.slice(0, at), value.slice(at)];
}

function callPieces(random: SeededRandom, index: number, call: Json): Json[] {
  const fn = objectOf(objectOf(call).function);
  const [first = null, ...rest] = piecesOf(random, fn.arguments ?? null);
  const where: JsonObject = random.chance(0.9) ? { index } : {};
  const begin = { ...objectOf(call), ...where, function: { ...fn, arguments: first } };
  return [begin, ...rest.map((args) => ({ ...where, function: { arguments: args } }))];
}

function oddFraming(random: SeededRandom, events: string[]): string {
  const at = random.below(events.length);
  const ways: readonly [() => string, ...(() => string)[]] = [
    () => events.toSpliced(at, 1).join(""),
    () => events.toSpliced(at, 0, events[at] ?? "").join(""),
    () => events.toReversed().join(""),
    () => events.slice(0, at).join(""),
    () => events.slice(0, -1).join(""),
    () => events.map((event) => `: keep-alive\n\n${event}`).join(""),
    () => events.map((event) => event.replace("data: ", "data:")).join(""),
    () => events.join("").replaceAll("\n", "\r\n"),
    () => events.join("").replaceAll("\n", "\r"),
    () => events.map((event) => event.slice(0, -1)).join(""),
    () => `\uFEFF${events.join("")}`,
    () => events.toSpliced(at, 0, sse(JSON.stringify(random.pick(ODD_VALUES)))).join(""),
    () => events.toSpliced(at, 0, sse({ error: random.pick(ERRORS) })).join(""),
    () => events.toSpliced(at, 0, "event: error\ndata: overloaded\n\n").join(""),
    () => events.join("") + events.join(""),
    () => events.join("").replaceAll("data:", "data"),
  ];
  return random.pick(ways)();
}

function disturbed(random: SeededRandom, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + random.below(200));
  const flipped = Buffer.from(bytes);
  for (let flips = 1 + random.below(4); flips > 0 && bytes.length > 0; flips--) {
    const place = random.below(bytes.length);
    flipped[place] = (flipped[place] ?? 0) ^ (1 << random.below(8));
  }
  const noise = Buffer.from(Array.from({ length: random.below(40) }, () => random.below(256)));
  return random.pick([
    bytes.subarray(0, at),
    bytes.subarray(at),
    flipped,
    flipped,
    Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]),
    Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]),
    Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]),
  ]);
}

function oddHttp(random: SeededRandom, body: Buffer, type: string): FuzzedAnswer {
  const status = random.chance(0.7) ? random.pick(STATUSES) : 200;
  const error = random.pick(ERRORS);
  const told =
    random.chance(0.7) && status !== 200
      ? Buffer.from(typeof error === "string" ? error : JSON.stringify(error))
      : body;
  const headers = [`content-type: ${random.chance(0.5) ? type : random.pick(TYPES)}`];
  if (random.chance(0.5)) headers.push(random.pick(ODD_HEADERS));
  const packed = random.chance(0.1);
  if (packed) headers.push("content-encoding: gzip");
  const bytes = packed ? Buffer.from(Bun.gzipSync(new Uint8Array(told))) : told;
  const framing = random.pick(["length", "none", "chunked", "short", "long", "bad chunk", "bad length"]);
  if (framing === "length") headers.push(`content-length: ${bytes.length}`);
  if (framing === "short") headers.push(`content-length: ${bytes.length >> 1}`);
  if (framing === "long") headers.push(`content-length: ${bytes.length + 9}`);
  if (framing === "bad length") headers.push("content-length: -5");
  if (framing.endsWith("chunk") || framing === "chunked") headers.push("transfer-encoding: chunked");
  const size = framing === "bad chunk" ? "zz" : bytes.length.toString(16);
  const content = framing.includes("chunk")
    ? Buffer.concat([Buffer.from(`${size}\r\n`), bytes, Buffer.from("\r\n0\r\n\r\n")])
    : bytes;
  const head = Buffer.from(`HTTP/1.1 ${status} Words\r\n${headers.join("\r\n")}\r\n\r\n`);
  const whole = Buffer.concat([head, content]);
  return { pieces: cut(random, random.chance(0.1) ? disturbed(random, whole) : whole), closes: true };
}

/** Bytes as they may come from the network. */
function cut(random: SeededRandom, bytes: Buffer): Uint8Array[] {
  if (random.chance(0.7)) return [bytes];
  const at = random.below(bytes.length + 1);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}
