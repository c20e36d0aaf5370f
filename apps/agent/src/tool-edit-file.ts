import { writeFile } from "node:fs/promises";
import { fileProblem, readTextFile } from "./text-file.ts";
import { defineTool } from "./tool.ts";

export const editFileTool = defineTool({
  name: "edit_file",
  description:
    "Replace a text in a file. old_text must match exactly, white space included, and only once unless all is true.",
  parameters: {
    path: { type: "string" },
    old_text: { type: "string" },
    new_text: { type: "string" },
    all: { type: "boolean", description: "replace every match", optional: true },
  },
  async run({ path, old_text, new_text, all = false }, { workspace }) {
    const located = await workspace.locate(path);
    if (located.kind === "refused") return { output: `error: ${located.why}` };
    const file = await readTextFile(located.path, path);
    if (file.kind === "problem") return { output: `error: ${file.why}` };
    if (!file.exact) return { output: `error: ${path} is not UTF-8; edit it with bash` };
    const edit = edited(file.text, old_text, new_text, all);
    if (edit.kind === "refused") return { output: `error: ${path}: ${edit.why}` };
    try {
      await writeFile(located.path, edit.text); // in place: mode and links stay as they are
      return { output: `replaced ${edit.matches} match${edit.matches === 1 ? "" : "es"} in ${path}` };
    } catch (error) {
      return { output: `error: ${fileProblem(error, path)}` };
    }
  },
});

type Edit = { kind: "edited"; text: string; matches: number } | { kind: "refused"; why: string };

function edited(text: string, oldText: string, newText: string, all: boolean): Edit {
  if (oldText === "") return { kind: "refused", why: "old_text is empty; use write_file for a new file" };
  if (oldText === newText) return { kind: "refused", why: "old_text and new_text are the same" };
  const parts = text.split(oldText);
  const matches = parts.length - 1;
  if (matches === 0)
    return { kind: "refused", why: "0 matches of old_text; read the file and copy the text exactly" };
  if (matches > 1 && !all)
    return {
      kind: "refused",
      why: `${matches} matches of old_text; add lines around it until it is unique, or set all`,
    };
  return { kind: "edited", text: parts.join(newText), matches };
}
