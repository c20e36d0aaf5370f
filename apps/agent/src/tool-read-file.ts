import { readTextFile } from "./text-file.ts";
import { defineTool } from "./tool.ts";

/** Lines shown when no number is asked for. */
const LINES_DEFAULT = 2_000;
/** A line is shown up to this many characters. */
const LINE_CHARS_MAX = 2_000;

export const readFileTool = defineTool({
  name: "read_file",
  description: "Read a text file, with line numbers.",
  parameters: {
    path: { type: "string" },
    start: { type: "integer", minimum: 1, description: "first line", optional: true },
    lines: { type: "integer", minimum: 1, description: "default 2000", optional: true },
  },
  async run({ path, start = 1, lines = LINES_DEFAULT }, { workspace, outputs }) {
    const located = await workspace.locateReadable(path);
    if (located.kind === "refused") return { output: `error: ${located.why}` };
    const file = await readTextFile(located.path, path);
    if (file.kind === "problem") return { output: `error: ${file.why}` };
    const shown = outputs.cut(numbered(file.text, start, lines));
    return { output: shown.text, truncated: shown.truncated };
  },
});

function numbered(text: string, start: number, count: number): string {
  if (text === "") return "[the file is empty]";
  const all = text.split("\n");
  if (all.at(-1) === "") all.pop();
  if (start > all.length) return `[the file has ${all.length} lines]`;
  const shown = all.slice(start - 1, start - 1 + count);
  const body = shown.map((line, at) => `${String(start + at).padStart(6)}\t${shortened(line)}`).join("\n");
  const last = start - 1 + shown.length;
  return last < all.length ? `${body}\n[lines ${start} to ${last} of ${all.length}]` : body;
}

function shortened(line: string): string {
  if (line.length <= LINE_CHARS_MAX) return line;
  return `${line.slice(0, LINE_CHARS_MAX)}… [${line.length - LINE_CHARS_MAX} more characters]`;
}
