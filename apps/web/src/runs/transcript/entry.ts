/** What one row of a transcript shows. `id` is that of its first event; entries are replaced, never changed. */
export type Entry = TextEntry | LineEntry | ToolEntry;

/** Pieces that follow each other: what the model says, or what a program printed. */
export interface TextEntry {
  kind: "said" | "printed" | "error_output";
  id: number;
  text: string;
}

export interface LineEntry {
  kind: "attempt" | "phase" | "note" | "warning" | "finish" | "speech";
  id: number;
  at: string;
  text: string;
  /** Who speaks, or how it ended. */
  label: string;
}

export interface ToolEntry {
  kind: "tool";
  id: number;
  /** Id of the event that brought the result; 0 while the tool runs. */
  endId: number;
  at: string;
  tool: string;
  args: unknown;
  /** The result; while the tool runs, the end of what it printed so far. */
  output: string;
  exitCode: number | undefined;
  durationMs: number | undefined;
  truncated: boolean;
}

/** Names a row for as long as the page is open. An attempt begins with the event that its first entry has too. */
export function entryKey(entry: Entry): string {
  return entry.kind === "attempt" ? `a${entry.id}` : String(entry.id);
}

/** About how much memory it takes, characters. */
export function entryChars(entry: Entry): number {
  return entry.kind === "tool" ? entry.output.length + argsText(entry.args).length : entry.text.length;
}

/** The one argument that says most; else all of them. */
export function headlineOf(args: unknown): string {
  const named = isRecord(args) ? (args.command ?? args.path ?? args.pattern ?? args.summary) : undefined;
  return (typeof named === "string" ? named : argsText(args)).replace(/\s+/g, " ").trim();
}

/** All arguments of a tool call as text, one `name: value` each; models may also send one bare string, or nothing. */
export function argsText(args: unknown): string {
  if (typeof args === "string") return args;
  if (!isRecord(args)) return args === null || args === undefined ? "" : JSON.stringify(args);
  return Object.entries(args)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("\n");
}

/** Whether a value has names to look under; an array has none. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
