import { expect, test } from "bun:test";
import { AgentInput } from "@windshift/contract/agent-jsonl.ts";
import { JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";
import { agentInputLine } from "./agent-input.ts";

test("a line is written as it is up to the limit, its line feed included", () => {
  const room = JSONL_LINE_BYTES_MAX - agentInputLine({ type: "prompt", message: "" }).length;
  const input: AgentInput = { type: "prompt", message: "x".repeat(room) };
  const line = agentInputLine(input);
  expect(line).toBe(`${JSON.stringify(input)}\n`);
  expect(line.length).toBe(JSONL_LINE_BYTES_MAX);
  expect(agentInputLine({ ...input, message: `${input.message}x` })).toContain("more bytes cut]");
});

test("a longer text is cut so that its line fits, whatever it is made of, and the rest of the line stays", () => {
  for (const text of ["x", "é😀", "\u0000", '"\\', "\ud800"].map((one) => one.repeat(1_500_000))) {
    const line = agentInputLine({ type: "message", text, id: "7" });
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(JSONL_LINE_BYTES_MAX);
    expect(Buffer.byteLength(line)).toBeGreaterThan(JSONL_LINE_BYTES_MAX / 2);
    const read = AgentInput.parse(JSON.parse(line));
    expect(read).toMatchObject({
      type: "message",
      id: "7",
      text: expect.stringMatching(/more bytes cut\]$/),
    });
  }
});
