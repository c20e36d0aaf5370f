import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileProblem, isWritableTarget } from "./text-file.ts";
import { defineTool } from "./tool.ts";

export const writeFileTool = defineTool({
  name: "write_file",
  description: "Create or replace a file with this content; missing folders are made.",
  parameters: { path: { type: "string" }, content: { type: "string" } },
  async run({ path, content }, { workspace }) {
    const located = await workspace.locate(path);
    if (located.kind === "refused") return { output: `error: ${located.why}` };
    try {
      const target = await isWritableTarget(located.path, path);
      if (target !== true) return { output: `error: ${target}` };
      await mkdir(dirname(located.path), { recursive: true });
      await writeFile(located.path, content);
      return { output: `wrote ${Buffer.byteLength(content)} bytes to ${path}` };
    } catch (error) {
      return { output: `error: ${fileProblem(error, path)}` };
    }
  },
});
