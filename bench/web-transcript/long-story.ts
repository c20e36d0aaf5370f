import type { BenchEvent } from "./live-run.ts";

const ESC = "\u001b";
/** Lines of a command's output, colored as a test runner colors them. */
const OUTPUT_LINES = 24;

/** So many events as an agent at work writes them: words in pieces, commands with their output, and what each call used. */
export function longStory(count: number): BenchEvent[] {
  const events: BenchEvent[] = [];
  for (let round = 0; events.length < count; round++) events.push(...oneRound(round));
  return events.slice(0, count);
}

function oneRound(round: number): BenchEvent[] {
  const id = String(round);
  return [
    { type: "content", data: { text: `Step ${round}: I look at the module that the failing test names, ` } },
    {
      type: "content",
      data: { text: "read what calls it, and change the smallest thing that can be wrong. " },
    },
    { type: "content", data: { text: "Then the tests run again." } },
    { type: "tool_start", data: { id, tool: "bash", args: { command: `npm test -- part-${round}` } } },
    { type: "tool_output", data: { id, text: "running 24 tests\n" } },
    {
      type: "tool_done",
      data: { id, tool: "bash", output: outputOf(round), exit_code: 0, duration_ms: 812 },
    },
    { type: "stdout", data: { text: "a line of output as a build prints it, some eighty characters long" } },
    { type: "stdout", data: { text: "and another one" } },
    { type: "message", data: { role: "agent", text: `The tests of part ${round} pass.` } },
    { type: "usage", data: { input_tokens: 12_000 + round, output_tokens: 240, context_used: 40_000 } },
  ];
}

function outputOf(round: number): string {
  return Array.from(
    { length: OUTPUT_LINES },
    (_, line) => `${ESC}[32m✓${ESC}[0m part ${round} does what line ${line} of its description says`,
  ).join("\n");
}
