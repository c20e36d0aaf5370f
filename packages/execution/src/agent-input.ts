import { truncateBytes } from "@windshift/base/truncate.ts";
import type { AgentInput } from "@windshift/contract/agent-jsonl.ts";
import { JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";

/** What is kept of a text that is too long when a try with more was over the limit, share: escapes make a line longer than its text. */
const SHRINK_SHARE = 0.9;

/**
 * A line for an agent's stdin, with its LF and never over the limit: an agent drops a longer one, and without its prompt a run
 * is none. Of a text that is too long the end is cut, with a marker that says how much.
 */
export function agentInputLine(input: AgentInput): string {
  let line = `${JSON.stringify(input)}\n`;
  for (let bytesMax = JSONL_LINE_BYTES_MAX; Buffer.byteLength(line) > JSONL_LINE_BYTES_MAX; ) {
    bytesMax = Math.floor(bytesMax * SHRINK_SHARE);
    const cut = (_: string, value: unknown) =>
      typeof value === "string" ? truncateBytes(value, bytesMax) : value;
    line = `${JSON.stringify(input, cut)}\n`;
  }
  return line;
}
