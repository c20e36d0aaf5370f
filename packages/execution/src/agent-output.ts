import { formatDuration } from "@windshift/base/duration.ts";
import type { Line } from "@windshift/base/jsonl.ts";
import { AgentOutput } from "@windshift/contract/agent-jsonl.ts";
import { assertNever } from "@windshift/contract/app-error.ts";
import type { EventData, RunEventType } from "@windshift/contract/event.ts";

/** What one line of the agent's stdout becomes. `output` is null for a line that is none of the agent's own. */
export type AgentLine =
  | { type: "stdout"; output: null; data: { text: string } }
  | { type: "content"; output: AgentOutput; data: { text: string } }
  | { type: Exclude<RunEventType, "stdout" | "content">; output: AgentOutput | null; data: EventData };

/** Reads a line of the agent. Nothing is lost: what is not JSONL of a known type becomes a `stdout` event. */
export function readAgentLine(line: Line): AgentLine {
  if (line.kind === "too_long")
    return {
      output: null,
      type: "warning",
      data: {
        message: `the agent printed a line of ${line.bytes} bytes; it was dropped. It begins: ${line.head}`,
      },
    };
  const output = parse(line.text);
  if (output === null) return { output, type: "stdout", data: { text: line.text } };
  return eventOf(output);
}

function eventOf(output: AgentOutput): AgentLine {
  switch (output.type) {
    case "content":
      return { output, type: "content", data: { text: output.text } };
    case "tool_start":
    case "tool_output":
    case "tool_done":
    case "message":
    case "usage":
      return { output, type: output.type, data: fields(output) };
    case "starting":
    case "compaction":
    case "received":
    case "finish":
    case "session_idle":
      return { output, type: "lifecycle", data: { note: output.type, ...fields(output) } };
    case "retry":
      return {
        output,
        type: "warning",
        data: {
          message: `${output.why}; trying again in ${formatDuration(output.wait_ms)} (try ${output.attempt})`,
          ...fields(output),
        },
      };
    case "error":
      return { output, type: "warning", data: fields(output) };
    default:
      return assertNever(output);
  }
}

function fields(output: AgentOutput): EventData {
  const data: EventData = {};
  for (const [name, value] of Object.entries(output))
    if (name !== "type" && value !== undefined) data[name] = value;
  return data;
}

/** Null for what is no line of an agent, which includes JSON nested so deeply that no parser follows. */
function parse(text: string): AgentOutput | null {
  if (!text.startsWith("{")) return null;
  try {
    const parsed = AgentOutput.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
