import { writeWhole } from "./file-write.ts";
import { defineTool, failed } from "./tool.ts";

export const writeFileTool = defineTool({
  name: "write_file",
  description: "Create a file, with its folders, or replace all of it.",
  parameters: {
    path: { type: "string", aliases: ["file_path"] },
    content: { type: "string" },
  },
  async run({ path, content }, { workspace }) {
    const located = await workspace.locate(path);
    if (located.kind === "refused") return failed(located.why);
    const bytes = Buffer.from(content);
    const written = await writeWhole(located.path, path, bytes);
    if (written.kind === "problem") return failed(written.why);
    if (written.bytesBefore === undefined) return { output: `created ${path}, ${bytes.length} bytes` };
    return { output: `replaced ${path}, ${bytes.length} bytes, ${written.bytesBefore} before` };
  },
});
