import { field, text } from "./fields.ts";

/** Lines of one tool's output that are shown; `-o json` and the page have all. */
const OUTPUT_LINES_MAX = 20;

/** Turns events into the lines that a person reads. Pieces of text are joined until their line is complete. */
export class TranscriptLines {
  private words = "";

  /** @returns lines that are complete with this event */
  take(event: unknown): string[] {
    const data = field(event, "data");
    if (text(event, "type") === "content") return this.say(text(data, "text"));
    return [...this.flush(), ...describe(text(event, "type"), data)];
  }

  /** What was not ended by a line feed. */
  flush(): string[] {
    const rest = this.words;
    this.words = "";
    return rest === "" ? [] : [rest];
  }

  private say(words: string): string[] {
    const lines = (this.words + words).split("\n");
    this.words = lines.pop() ?? "";
    return lines;
  }
}

function describe(type: string, data: unknown): string[] {
  switch (type) {
    case "lifecycle":
      return [
        `== ${text(data, "phase") || [text(data, "note"), text(data, "summary")].filter(Boolean).join(": ")}`,
      ];
    case "tool_start":
      return [`-> ${text(data, "tool")} ${argumentText(field(data, "args"))}`];
    case "tool_done":
      return [...cut(text(data, "output")), ...failed(data)];
    case "message":
      return [`>> ${text(data, "text")}`];
    case "warning":
      return [`!! ${text(data, "message")}`];
    case "stdout":
    case "stderr":
      return cut(text(data, "text"));
    case "review_flagged":
      return [`!! flagged for review: ${text(data, "message") || text(data, "path")}`];
    default:
      return [];
  }
}

function argumentText(args: unknown): string {
  return text(args, "command") || text(args, "path") || JSON.stringify(args ?? {});
}

function failed(data: unknown): string[] {
  const code = field(data, "exit_code");
  return typeof code === "number" && code !== 0 ? [`   exit code ${code}`] : [];
}

function cut(output: string): string[] {
  const lines = output.trimEnd() === "" ? [] : output.trimEnd().split("\n");
  const shown = lines.slice(0, OUTPUT_LINES_MAX).map((line) => `   ${line}`);
  const left = lines.length - shown.length;
  return left > 0 ? [...shown, `   … ${left} more line${left === 1 ? "" : "s"}`] : shown;
}
