import type { SourceFile } from "./source-tree.ts";

/**
 * Source files a page names (in backquotes, by name or by the end of a path) that do not exist, one sentence each.
 * `*` in a name stands for anything.
 */
export function missingFiles(page: string, markdown: string, files: readonly SourceFile[]): string[] {
  const paths = files.map((file) => `/${file.path}`);
  return markdown.split("\n").flatMap((line, at) =>
    [...line.matchAll(/`([\w./*-]+\.tsx?)`/g)].flatMap(([, name = ""]) => {
      const pattern = new RegExp(`/${name.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);
      return paths.some((path) => pattern.test(path)) ? [] : [`${page}:${at + 1}: there is no file ${name}`];
    }),
  );
}
