import { lstatSync, readlinkSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileOverview, type OverviewLine } from "./file-overview.ts";
import { pathFilter } from "./path-filter.ts";
import { projectFiles } from "./project-files.ts";
import { searchEnv } from "./search-process.ts";
import { defineTool, failed } from "./tool.ts";

/** Lines of one listing: some 2,000 tokens. */
const LINES_MAX = 200;
/** Deeper than any tree. */
const DEPTH_ALL = 4_096;

export const listFilesTool = defineTool({
  name: "list_files",
  description: "List files, without ignored ones; large folders as a count.",
  parameters: {
    path: { type: "string", optional: true },
    glob: { type: "string", optional: true },
    depth: { type: "integer", minimum: 1, optional: true },
  },
  async run({ path = ".", glob, depth = DEPTH_ALL }, { workspace, outputs, env, signal }) {
    const located = await workspace.locateReadable(path);
    if (located.kind === "refused") return failed(located.why);
    const stat = statSync(located.path, { throwIfNoEntry: false });
    if (stat === undefined) return failed(`${path} does not exist`);
    if (!stat.isDirectory()) return failed(`${path} is a file; use read_file`);
    const found = await projectFiles(workspace.root, located.path, searchEnv(env()), signal);
    const { matches } = pathFilter(glob);
    const paths = found.paths.filter((one) => matches(one.replace(/\/$/, "")));
    const { lines, unnamed } = fileOverview(paths, LINES_MAX, depth);
    const inside = located.path === workspace.root || located.path.startsWith(`${workspace.root}/`);
    const folder = inside ? relative(workspace.root, located.path) : located.path;
    const texts = lines.map((line) => lineText(line, join(workspace.root, folder), folder));
    if (texts.length === 0) texts.push("no files");
    if (unnamed > 0)
      texts.push(
        `[${unnamed} of ${paths.length}${found.cut ? " or more" : ""} files are not named; narrow with path or glob]`,
      );
    const shown = outputs.cut(texts.join("\n"));
    return { output: shown.text, truncated: shown.truncated || unnamed > 0, fullPath: shown.fullPath };
  },
});

function lineText({ path, files }: OverviewLine, dir: string, folder: string): string {
  const shown = join(folder, path).replaceAll("\n", "?");
  if (files !== undefined) return `${shown} (${files} ${files === 1 ? "file" : "files"})`;
  return `${shown}${kindText(join(dir, path))}`;
}

/** What a name alone does not tell. */
function kindText(path: string): string {
  try {
    const stat = lstatSync(path.replace(/\/$/, ""));
    if (stat.isSymbolicLink()) return ` -> ${readlinkSync(path)}`;
    if (stat.isDirectory()) return path.endsWith("/") ? "" : "/";
    return stat.isFile() ? "" : " (not a regular file)";
  } catch {
    return ""; // gone since
  }
}
