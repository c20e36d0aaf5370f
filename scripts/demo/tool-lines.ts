/** Lines of a tool's output that are shown; the page has all. */
const OUTPUT_LINES_MAX = 12;

interface Running {
  /** What came since the last whole line. */
  rest: string;
  shown: string[];
}

/** Decides which lines of a tool's output a terminal shows: as they come, and none of them twice when the result repeats them. */
export class ToolLines {
  private readonly running = new Map<string, Running>();

  /** Takes a piece of a running tool's output. @returns the lines that are complete now */
  piece(id: string, text: string): string[] {
    const tool = this.running.get(id) ?? { rest: "", shown: [] };
    this.running.set(id, tool);
    const lines = (tool.rest + text).split("\n");
    tool.rest = lines.pop() ?? "";
    const fresh = lines.slice(0, OUTPUT_LINES_MAX - tool.shown.length);
    tool.shown.push(...fresh);
    return fresh;
  }

  /** Takes the whole output. @returns what of it is not on the terminal yet, and how much is left out */
  end(id: string, output: string): string[] {
    const shown = this.running.get(id)?.shown ?? [];
    this.running.delete(id);
    const lines = output.trimEnd().split("\n");
    const known = shown.every((line, at) => line === lines[at]) ? shown.length : 0;
    const fresh = lines.slice(known, Math.max(known, OUTPUT_LINES_MAX));
    const left = lines.length - known - fresh.length;
    return left > 0 ? [...fresh, `… ${left} more line${left === 1 ? "" : "s"}`] : fresh;
  }
}
