import { expect, test } from "bun:test";
import { AgentOutput } from "@windshift/contract/agent-jsonl.ts";
import { JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";
import { EventWriter, lineOf } from "./event-writer.ts";
import type { Json } from "./json.ts";

const start = (args: Json): AgentOutput => ({ type: "tool_start", id: "a", tool: "bash", args });

/** Held to the contract, the limit and, as a text that every parser takes, to Unicode. */
function checked(event: AgentOutput): AgentOutput {
  const line = lineOf(event);
  expect(Buffer.byteLength(line)).toBeLessThan(JSONL_LINE_BYTES_MAX);
  expect(line).not.toContain("\n");
  expect(/\\ud[89a-f]/i.test(line)).toBe(false);
  return AgentOutput.parse(JSON.parse(line));
}

test("an event of ordinary size is written as it is", () => {
  const event = start({ command: 'echo "é😀\u0000\n"', list: [1, null, true, { a: "\\ud800" }] });
  expect(AgentOutput.parse(JSON.parse(lineOf(event)))).toEqual(event);
});

test("a line stays under its limit whatever the event holds", () => {
  const long = 1_100_000;
  const nested = (levels: number): Json => (levels === 0 ? "x" : [nested(levels - 1)]);
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`field ${at}`, at]));
  const texts = [
    "x".repeat(long),
    "\u0000".repeat(long),
    "\ud800".repeat(long),
    "😀".repeat(long),
    '"\\'.repeat(long),
  ];
  for (const text of texts) {
    checked({ type: "content", text });
    checked({ type: "tool_done", id: text, tool: text, output: text, duration_ms: 1 });
    for (const args of [text, [text], { [text]: text }, { a: { b: [{ c: text }] } }]) checked(start(args));
  }
  for (const args of [many, Object.keys(many), nested(1_000)]) checked(start(args));
}, 30_000);

test("what is cut says so, and keeps its beginning", () => {
  const cut = checked({ type: "content", text: `begin${"x".repeat(2_000_000)}` });
  expect(cut).toMatchObject({ text: expect.stringMatching(/^beginx+… \[cut\]$/) });
  expect(checked(start({ path: "a.txt", content: "x".repeat(2_000_000) }))).toMatchObject({
    args: expect.stringMatching(/^\{"path":"a.txt","content":"x+… \[cut\]$/),
  });
});

test("half a surrogate pair becomes U+FFFD, in values and in names", () => {
  expect(checked(start({ "a\ud83d": ["\ude00", { b: "😀\ud83d" }] }))).toMatchObject({
    args: { "a\ufffd": ["\ufffd", { b: "😀\ufffd" }] },
  });
});

test("an event that cannot be written as it is ends nothing; a reader that is gone does", () => {
  const lines: string[] = [];
  let broken = 0;
  const sink = { write: (line: string) => lines.push(line), flush: () => 0 };
  const writer = new EventWriter(sink, () => broken++);
  writer.emit(start(JSON.parse("[".repeat(100_000) + "]".repeat(100_000)) as Json));
  expect({ broken, lines: lines.length }).toEqual({ broken: 0, lines: 1 });
  const failing = {
    write: () => {
      throw new Error("EPIPE");
    },
    flush: () => 0,
  };
  new EventWriter(failing, () => broken++).emit({ type: "session_idle" });
  expect(broken).toBe(1);
}, 20_000);
