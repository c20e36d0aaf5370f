import type { SourceFile } from "./source-tree.ts";

/** Lines of a file, from where it is two things. Source: issue 7; AGENTS.md asks for 60 to 150. */
const FILE_LINES_MAX = 500;
/** Files that may be longer, each with its reason. */
const LONG_FILES: ReadonlyMap<string, string> = new Map([
  ["deploy/install.sh", "its settings are generated into it, and `curl | sh` needs one file"],
]);

/** Files nobody imports an interface from: tests, and what is there for one of them. */
const FOR_A_TEST = /(?:\.test|[-.]fixture)\.tsx?$|\/testdata\//;
const EXPORT =
  /^export (?:default )?(?:declare )?(?:abstract )?(?:async )?(?:function\b\*? ?|class\b ?)([\w$]*)/;

/** A file that has lines, of whatever language. */
type TextFile = Pick<SourceFile, "path" | "text">;

/** Files of more than FILE_LINES_MAX lines, one sentence each, and exceptions that no file needs any more. */
export function longFiles(files: readonly TextFile[]): string[] {
  const long = new Map(
    files
      .map(({ path, text }) => [path, text.replace(/\n$/, "").split("\n").length] as const)
      .filter(([, lines]) => lines > FILE_LINES_MAX),
  );
  const tooLong = [...long].filter(([path]) => !LONG_FILES.has(path));
  const idle = [...LONG_FILES.keys()].filter((path) => !long.has(path));
  return [
    ...tooLong.map(([path, lines]) => `${path}: ${lines} lines, over ${FILE_LINES_MAX}; it is two things`),
    ...idle.map((path) => `${path}: not over ${FILE_LINES_MAX} lines; LONG_FILES needs it no more`),
  ];
}

/**
 * Exported functions and classes without a docstring right above them, one sentence each. The first of several overloads has it for
 * all of them; a comment for Biome may stand between.
 */
export function undocumentedExports(files: readonly TextFile[]): string[] {
  return files
    .filter(({ path }) => !FOR_A_TEST.test(path))
    .flatMap(({ path, text }) => {
      const lines = text.split("\n");
      const exports = lines.flatMap((line, at) => {
        const [found, name = ""] = EXPORT.exec(line) ?? [];
        return found === undefined ? [] : [{ name, at }];
      });
      return exports
        .filter(({ name, at }, index) => exports[index - 1]?.name !== name && !hasDocstring(lines, at))
        .map(({ name, at }) => `${path}:${at + 1}: ${name || "the default export"} has no docstring`);
    });
}

/** Whether a comment with two stars and some words ends right above a line. */
function hasDocstring(lines: readonly string[], at: number): boolean {
  let end = at;
  while (lines[end - 1]?.startsWith("// biome-ignore")) end--;
  if (!lines[end - 1]?.endsWith("*/")) return false;
  const start = lines.slice(0, end).findLastIndex((line) => line.startsWith("/*"));
  const comment = lines.slice(start, end).join("\n");
  return comment.startsWith("/**") && comment.indexOf("*/") === comment.length - 2 && /\w/.test(comment);
}
