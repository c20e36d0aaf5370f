import type { JsonObject } from "../json.ts";
import { writeWhole } from "./file-write.ts";
import { editedText } from "./text-edit.ts";
import { encodingOf, FILE_BYTES_MAX, fileProblem, openToRead, PROBE_BYTES, readStart } from "./text-file.ts";
import { defineTool, failed } from "./tool.ts";

export const editFileTool = defineTool({
  name: "edit_file",
  description:
    "Replace texts in a file. Each old_text must match the file as it is now, white space included, exactly once unless all is true. All edits are made or none.",
  parameters: {
    path: { type: "string", aliases: ["file_path"] },
    edits: {
      type: "array",
      items: {
        type: "object",
        properties: {
          old_text: { type: "string", aliases: ["old_string"] },
          new_text: { type: "string", aliases: ["new_string"] },
          all: { type: "boolean", optional: true, aliases: ["replace_all"] },
        },
      },
    },
  },
  reshape: withEdits,
  async run({ path, edits }, { workspace }) {
    const located = await workspace.locate(path);
    if (located.kind === "refused") return failed(located.why);
    const present = await readToEdit(located.path, path);
    if (typeof present === "string") return failed(present);
    const edited = editedText(present, edits);
    if (edited.kind === "refused") return failed(`${path} is unchanged: ${edited.why}`);
    const written = await writeWhole(located.path, path, edited.bytes);
    if (written.kind === "problem") return failed(written.why);
    const { matches, lines } = edited;
    const more = matches > lines.length ? " …" : "";
    return {
      output: `replaced ${matches} match${matches === 1 ? "" : "es"} in ${path}, line ${lines.join(", ")}${more}`,
    };
  },
});

/** A single edit is often sent without a list around it, beside the path. */
function withEdits(args: JsonObject): JsonObject {
  const { edits = null, ...edit } = args;
  const single = edits === null || (Array.isArray(edits) && edits.length === 0);
  return single && ("old_text" in edit || "old_string" in edit) ? { ...edit, edits: [edit] } : args;
}

/** The bytes of a text file, or why it cannot be edited. */
async function readToEdit(path: string, shownPath: string): Promise<Buffer | string> {
  const opened = await openToRead(path, shownPath);
  if (opened.kind === "problem") return opened.why;
  await using file = opened.file;
  if (opened.size > FILE_BYTES_MAX)
    return `${shownPath} has ${opened.size} bytes, over ${FILE_BYTES_MAX}; edit it with bash`;
  try {
    const bytes = await readStart(file, opened.size);
    const encoding = encodingOf(bytes.subarray(0, PROBE_BYTES));
    const kind = encoding === "binary" ? "binary" : encoding.toUpperCase();
    return encoding === "utf-8" ? bytes : `${shownPath} is ${kind}; edit it with bash`;
  } catch (error) {
    return fileProblem(error, shownPath);
  }
}
