import { statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { askGit, type GrepPlace, search } from "./grep-search.ts";
import { grepText } from "./grep-text.ts";
import { pathFilter } from "./path-filter.ts";
import { defineTool, failed, type ToolContext } from "./tool.ts";

/** Matches that are shown; the rest is counted. */
const MATCHES_DEFAULT = 100;
const MATCHES_MAX = 1_000;
const CONTEXT_LINES_MAX = 20;

export const grepTool = defineTool({
  name: "grep",
  description: "Search files for a regex. Ignored files are left out unless path names them.",
  parameters: {
    pattern: { type: "string" },
    path: { type: "string", optional: true },
    glob: { type: "string", description: "such as *.ts", optional: true },
    ignore_case: { type: "boolean", optional: true },
    context: { type: "integer", minimum: 0, maximum: CONTEXT_LINES_MAX, optional: true },
    limit: {
      type: "integer",
      minimum: 1,
      maximum: MATCHES_MAX,
      description: `default ${MATCHES_DEFAULT}`,
      optional: true,
    },
  },
  async run({ pattern, path = ".", glob, ignore_case = false, context: lines = 0, limit }, context) {
    if (pattern === "" || /[\n\0]/.test(pattern))
      return failed("the pattern must not be empty or hold a line break: lines are searched one by one");
    const place = await placeOf(path, context);
    if ("problem" in place) return failed(place.problem);
    const filter = pathFilter(place.isFile ? undefined : glob);
    const query = {
      pattern,
      ignoreCase: ignore_case,
      context: lines,
      paths: [place.path],
      names: filter.names,
    };
    const findings = await search(place, filter, { ...query, ignored: place.ignored }, context);
    if ("problem" in findings) return failed(findings.problem);
    const shown = context.outputs.cut(grepText(findings, limit ?? MATCHES_DEFAULT, place.shown));
    return { output: shown.text, truncated: shown.truncated, fullPath: shown.fullPath };
  },
});

/** Where git and ripgrep find the rules of .gitignore: the root of the workspace, or beside a kept output. */
async function placeOf(path: string, context: ToolContext): Promise<GrepPlace | { problem: string }> {
  const { root } = context.workspace;
  const located = await context.workspace.locateReadable(path);
  if (located.kind === "refused") return { problem: located.why };
  const stat = statSync(located.path, { throwIfNoEntry: false });
  if (stat === undefined) return { problem: `${path} does not exist` };
  if (!stat.isFile() && !stat.isDirectory()) return { problem: `${path} is not a regular file or folder` };
  if (located.path.split("/").includes(".git"))
    return { problem: "the insides of .git are not searched; ask git with bash" };
  const isFile = stat.isFile();
  const inside = located.path === root || located.path.startsWith(`${root}/`);
  if (!inside) {
    const cwd = isFile ? dirname(located.path) : located.path;
    const own = isFile ? basename(located.path) : ".";
    return { cwd, path: own, isFile, ignored: true, shown: (found) => join(cwd, found) };
  }
  const own = relative(root, located.path) || ".";
  const ignored = isFile || (own !== "." && (await isIgnored(own, context)));
  return { cwd: root, path: own, isFile, ignored, shown: (found) => found };
}

async function isIgnored(path: string, context: ToolContext): Promise<boolean> {
  const result = await askGit(["check-ignore", "--quiet", "--", path], context);
  return result.exitCode === 0;
}
