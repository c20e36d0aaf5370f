import { RunPhase } from "@windshift/contract/run.ts";
import { countText } from "../../parts/count-text.ts";
import { PHASE_TEXT } from "../run-words.ts";
import { type Entry, entryChars, isRecord, type LineEntry, type TextEntry, type ToolEntry } from "./entry.ts";
import type { ShownEvent } from "./shown-event.ts";

/** A text is continued in a further row from here on, characters: a row is laid out as a whole each time it grows. */
const ROW_CHARS_MAX = 8_000;
/** Characters of a running tool's output that are kept: its end is what one waits for, and the whole comes with the result. */
const LIVE_CHARS_MAX = 8_000;

/**
 * Makes the rows of a transcript from its events, in their order. All of it comes from a hostile place (an agent, a
 * repository): fields of another type than expected become text or nothing.
 */
export class EntryList {
  readonly entries: Entry[] = [];
  /** About how much memory the entries take, characters. */
  chars = 0;
  private readonly running = new Map<string, number>();
  /** Tools that began before the first event, by their call. */
  private readonly begun: ReadonlyMap<string, ToolEntry>;
  private readonly first: boolean;

  /** @param before what is known of the events before the first; `none` when there are none */
  constructor(
    before: "none" | "unknown" | EntryList,
    private attempt: number | undefined = before === "none" ? 0 : undefined,
  ) {
    this.first = before === "none";
    this.begun = before instanceof EntryList ? before.runningTools() : new Map();
    if (before instanceof EntryList) this.attempt = before.attempt;
  }

  add(event: ShownEvent): void {
    if (event.attempt !== this.attempt) this.beginAttempt(event);
    const { data } = event;
    switch (event.type) {
      case "content":
        this.addText("said", event, textOf(data.text));
        break;
      case "stdout":
        this.addText("printed", event, `${textOf(data.text)}\n`);
        break;
      case "stderr":
        this.addText("error_output", event, `${textOf(data.text)}\n`);
        break;
      case "tool_start":
        this.startTool(event);
        break;
      case "tool_output":
        this.growTool(event);
        break;
      case "tool_done":
        this.endTool(event);
        break;
      case "message":
        this.addLine("speech", event, textOf(data.text), textOf(data.role) || "agent");
        break;
      case "warning":
      case "review_flagged":
        this.addLine("warning", event, wordsOf(data), "Warning");
        break;
      case "usage":
        this.addLine("note", event, usageText(data));
        break;
      case "lifecycle":
        this.addLifecycle(event);
        break;
    }
  }

  private beginAttempt(event: ShownEvent): void {
    const begins = this.attempt !== undefined || event.seq === 1;
    if (begins && event.attempt > 1) this.addLine("attempt", event, `Attempt ${event.attempt}`);
    this.attempt = event.attempt;
  }

  private addLifecycle(event: ShownEvent): void {
    const { data } = event;
    if (typeof data.phase === "string") {
      const known = RunPhase.safeParse(data.phase);
      this.addLine("phase", event, known.success ? PHASE_TEXT[known.data] : data.phase);
      return;
    }
    switch (data.note) {
      case "session_idle":
        break;
      case "finish":
        this.addLine("finish", event, textOf(data.summary), textOf(data.outcome) || "finished");
        break;
      case "progress":
        this.addText("printed", event, `${textOf(data.text)}\n`);
        break;
      case "starting":
        this.addLine("note", event, startText(data));
        break;
      case "received":
        this.addLine("note", event, "The agent read a message.");
        break;
      default:
        this.addLine("note", event, wordsOf(data));
    }
  }

  /** Pieces of the same kind that follow each other are one text. */
  private addText(kind: TextEntry["kind"], event: ShownEvent, piece: string): void {
    const last = this.entries.at(-1);
    if (last?.kind === kind && last.text.length < ROW_CHARS_MAX)
      this.replace(this.entries.length - 1, { ...last, text: last.text + piece });
    else this.push({ kind, id: event.id, text: piece });
  }

  private addLine(kind: LineEntry["kind"], event: ShownEvent, text: string, label = ""): void {
    this.push({ kind, id: event.id, at: event.at, text, label });
  }

  private startTool({ id, at, data }: ShownEvent): void {
    this.running.set(textOf(data.id), this.entries.length);
    this.push({ ...EMPTY_TOOL, id, at, tool: textOf(data.tool) || "tool", args: data.args });
  }

  private growTool({ id, at, data }: ShownEvent): void {
    const call = textOf(data.id);
    if (!this.running.has(call)) {
      // Before the first event there is no tool that could print.
      if (this.first) return;
      this.running.set(call, this.entries.length);
      this.push({ ...(this.begun.get(call) ?? UNKNOWN_TOOL), id, at, output: "" });
    }
    const index = this.running.get(call);
    const tool = this.toolAt(index);
    if (index === undefined || tool === undefined) return;
    const output = (tool.output + textOf(data.text)).slice(-LIVE_CHARS_MAX);
    this.replace(index, { ...tool, output });
  }

  /** The result of a tool that began before the first event stands for itself. */
  private endTool({ id, at, data }: ShownEvent): void {
    const call = textOf(data.id);
    const index = this.running.get(call);
    const started = this.toolAt(index);
    const ended: ToolEntry = {
      ...(started ?? { ...(this.begun.get(call) ?? UNKNOWN_TOOL), id, at }),
      endId: id,
      tool: textOf(data.tool) || started?.tool || "tool",
      output: textOf(data.output),
      exitCode: numberOf(data.exit_code),
      durationMs: numberOf(data.duration_ms),
      truncated: data.truncated === true,
    };
    this.running.delete(call);
    if (index === undefined || started === undefined) this.push(ended);
    else this.replace(index, ended);
  }

  private runningTools(): ReadonlyMap<string, ToolEntry> {
    const found = new Map(this.begun);
    for (const [call, index] of this.running) {
      const tool = this.toolAt(index);
      if (tool !== undefined) found.set(call, tool);
    }
    return found;
  }

  private toolAt(index: number | undefined): ToolEntry | undefined {
    const entry = index === undefined ? undefined : this.entries[index];
    return entry?.kind === "tool" ? entry : undefined;
  }

  private push(entry: Entry): void {
    this.chars += entryChars(entry);
    this.entries.push(entry);
  }

  private replace(index: number, entry: Entry): void {
    const before = this.entries[index];
    this.chars += entryChars(entry) - (before === undefined ? 0 : entryChars(before));
    this.entries[index] = entry;
  }
}

const EMPTY_TOOL: Omit<ToolEntry, "id" | "at" | "tool"> = {
  kind: "tool",
  endId: 0,
  args: undefined,
  output: "",
  exitCode: undefined,
  durationMs: undefined,
  truncated: false,
};

/** It began on a page that is not loaded. */
const UNKNOWN_TOOL: Omit<ToolEntry, "id" | "at"> = { ...EMPTY_TOOL, tool: "tool" };

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function wordsOf(data: unknown): string {
  if (!isRecord(data)) return textOf(data);
  return textOf(data.message ?? data.text ?? data.why ?? data);
}

function usageText(data: Record<string, unknown>): string {
  const count = (value: unknown) => (Number.isSafeInteger(value) ? countText(Number(value)) : "?");
  return `${count(data.input_tokens)} tokens in, ${count(data.output_tokens)} out`;
}

function startText(data: Record<string, unknown>): string {
  return `Agent ${textOf(data.version)} with ${textOf(data.model) || "its model"}`.replace("  ", " ");
}
