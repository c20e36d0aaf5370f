import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** Pictures are made by a test and are not in the repository; that test holds their names to the pages. */
const MADE_BY_TESTS = /^docs\/pictures\/[\w-]+\.png$/;

/**
 * Links of a page to other files of the repository that lead nowhere, one sentence each: the file is missing, or it has no
 * heading of that name. Links to other places are not looked at.
 * @param page relative to the root
 */
export function deadLinks(root: string, page: string): string[] {
  return linksOf(readFileSync(join(root, page), "utf8")).flatMap(({ target, line }) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : normalize(join(dirname(page), path));
    if (MADE_BY_TESTS.test(file)) return [];
    if (!existsSync(join(root, file))) return [`${page}:${line}: the link ${target} leads to no file`];
    if (anchor === undefined || !file.endsWith(".md")) return [];
    const known = anchorsOf(readFileSync(join(root, file), "utf8"));
    return known.has(anchor) ? [] : [`${page}:${line}: ${file} has no heading for #${anchor}`];
  });
}

/** Outside of code. */
function linksOf(markdown: string): { target: string; line: number }[] {
  const found: { target: string; line: number }[] = [];
  for (const [at, text] of withoutBlocks(markdown).entries())
    for (const [, target = ""] of text.replace(/`[^`]*`/g, "").matchAll(/\]\(([^()\s]+)\)/g))
      found.push({ target, line: at + 1 });
  return found;
}

/** As GitHub makes them: lower case, words with hyphens, a number from the second of the same name on. */
function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const line of withoutBlocks(markdown)) {
    const title = /^#{1,6} +(.*?) *#*$/.exec(line)?.[1];
    if (title === undefined) continue;
    const plain = title.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N}\p{M} _-]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The lines of a page, those of code blocks empty. */
function withoutBlocks(markdown: string): string[] {
  let fence: string | undefined;
  return markdown.split("\n").map((line) => {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || line.trim() === fence)) {
      fence = fence === undefined ? mark : undefined;
      return "";
    }
    return fence === undefined ? line : "";
  });
}
