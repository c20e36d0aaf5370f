import type { Json, JsonObject } from "../json.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Texts a model may send: what terminals, JSON and UTF-8 stumble over among them. */
const TEXTS = [
  "",
  "done",
  "Ich prüfe 😀",
  "\u0000",
  "\ud800",
  "\udc00 a",
  "\u001b[31mred\r\n",
  "x".repeat(3_000),
  '{"a":1}',
  "</s><|im_end|>",
  "\u2028\u2029\ufeff",
  "data: [DONE]\n\n",
] as const;
/** Values where another is expected. */
export const ODD_VALUES: readonly [Json, ...Json[]] = [
  null,
  0,
  -1,
  1e308,
  1.5,
  true,
  false,
  "",
  "7",
  "\ud800",
  [],
  {},
  [null],
  [[[[1]]]],
  { "": {} },
  { toString: 1, constructor: null },
  "y".repeat(70_000),
];
const REASONS: readonly [Json, ...Json[]] = [
  "stop",
  "tool_calls",
  "length",
  "content_filter",
  "",
  null,
  "error",
  5,
];
const IDS: readonly [Json | undefined, ...(Json | undefined)[]] = [
  undefined,
  "call_1",
  "call_1",
  "",
  null,
  7,
  "x".repeat(400),
  "\u0000\ud800",
  {},
];

/** Commands that change nothing, and stay harmless with any byte of them changed. */
const COMMANDS = ["true", "false", "echo abc", "exit 3", ": abc", "printf '\\000\\377\\n'"] as const;
const PATHS = [
  "README.md",
  "missing.txt",
  ".",
  "..",
  "/etc/passwd",
  "",
  "a\u0000b",
  "docs/a.txt",
  "README.md/",
] as const;

/** A whole reply: sensible for the most part, so that a run goes on. */
export function fuzzedReply(random: SeededRandom): JsonObject {
  const calls = random.chance(0.75)
    ? Array.from({ length: 1 + random.below(3) }, () => fuzzedCall(random))
    : [];
  const message: JsonObject = { role: "assistant", content: random.chance(0.5) ? random.pick(TEXTS) : null };
  if (calls.length > 0) message.tool_calls = calls;
  if (random.chance(0.2))
    message[random.pick(["reasoning", "reasoning_content", "refusal"])] = random.pick(TEXTS);
  if (random.chance(0.05))
    message.content = [
      { type: "text", text: random.pick(TEXTS) },
      { type: "thinking", thinking: random.pick(ODD_VALUES) },
    ];
  if (random.chance(0.03)) message.function_call = { name: "list_files", arguments: "{}" };
  const reason = random.chance(0.85) ? (calls.length > 0 ? "tool_calls" : "stop") : random.pick(REASONS);
  const reply: JsonObject = { id: "r", choices: [{ index: 0, message, finish_reason: reason }] };
  if (random.chance(0.7))
    reply.usage = { prompt_tokens: random.below(5_000), completion_tokens: random.below(500) };
  return reply;
}

function fuzzedCall(random: SeededRandom): JsonObject {
  const [name, args] = fuzzedTool(random);
  const text = random.chance(0.1) ? brokenText(random, JSON.stringify(args)) : JSON.stringify(args);
  const fn: JsonObject = { name, arguments: random.chance(0.05) ? args : text };
  const id = random.chance(0.8) ? `call_${random.below(1_000)}` : random.pick(IDS);
  return { ...(id === undefined ? {} : { id }), type: "function", function: fn };
}

function fuzzedTool(random: SeededRandom): [string, Json] {
  const path = random.pick(PATHS);
  const tools: readonly [[string, Json], ...[string, Json][]] = [
    ["read_file", { path: "README.md" }],
    ["read_file", { path, start_line: random.below(5) }],
    ["edit_file", { path, old_text: "absent", new_text: random.pick(TEXTS) }],
    [random.pick(["unknown", "", "rm -rf", "functions.list_files", "__proto__", "x".repeat(300)]), { path }],
    [random.pick(["list_files", "read_file", "edit_file", "write_file", "finish"]), random.pick(ODD_VALUES)],
  ];
  if (random.chance(0.06))
    return [
      "finish",
      { outcome: random.pick(["completed", "blocked", "needs_info", "no", 5]), summary: random.pick(TEXTS) },
    ];
  if (random.chance(0.02))
    return [
      "write_file",
      { path: random.pick(["out.txt", "docs/b.txt", path]), content: random.pick(TEXTS) },
    ];
  // These start a process each, which is what costs time.
  if (random.chance(0.015)) return ["bash", { command: random.pick(COMMANDS) }];
  if (random.chance(0.015)) return ["list_files", random.pick([{ path }, {}])];
  if (random.chance(0.015)) return ["grep", { pattern: random.pick(["project", "(", "", "a|b"]), path }];
  return random.pick(tools);
}

function brokenText(random: SeededRandom, json: string): string {
  const at = random.below(json.length + 1);
  return random.pick([
    json.slice(0, at),
    `${json}${json}`,
    json.slice(0, at) + random.pick(["\u0000", "\ud800", "}", '"', ","]) + json.slice(at),
    `{"path":"README.md",${json.slice(1)}`,
    "[".repeat(5_000),
    `{"path":${"[".repeat(200)}${"]".repeat(200)}}`,
    json.replaceAll('"', "'"),
    JSON.stringify(json),
  ]);
}

/** Puts a value where another was, takes one away, or repeats one. */
export function oddShape(random: SeededRandom, reply: JsonObject): JsonObject {
  const copy = structuredClone(reply);
  const places: [holder: JsonObject | Json[], key: string | number][] = [];
  const visit = (value: Json) => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
      places.push([value, key]);
      visit((value as JsonObject)[key] ?? null);
    }
  };
  visit(copy);
  const [holder, key] = places[random.below(places.length)] ?? [copy, "choices"];
  const fields = holder as JsonObject;
  if (random.chance(0.3) && !Array.isArray(holder)) delete holder[String(key)];
  else if (random.chance(0.2) && Array.isArray(holder))
    holder.push(structuredClone(holder[Number(key)] ?? null));
  else fields[key] = random.pick(ODD_VALUES);
  return copy;
}
