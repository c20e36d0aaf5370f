import type { SourceFile } from "./source-tree.ts";

/** Every fault and every invariant. Source: SECURITY, C3 and C4. */
const IDS: readonly string[] = [
  ...Array.from({ length: 48 }, (_, at) => `F${String(at + 1).padStart(2, "0")}`),
  ...Array.from({ length: 17 }, (_, at) => `I${at + 1}`),
];
/** How a row begins that names no file. */
const OPEN = "not shown: ";

/**
 * What is wrong with the tables of faults and invariants in a page, one sentence each: an id without a row or with two, a row that
 * names a file nobody has, or one that has neither the words that the row quotes nor the id.
 * @param files every source file, tests included
 */
export function faultTableProblems(page: string, markdown: string, files: readonly SourceFile[]): string[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const rows = markdown.split("\n").flatMap((line) => {
    const [, id, , shown] = /^\| ([FI]\d+) \| ([^|]*) \| (.*) \|$/.exec(line) ?? [];
    return id === undefined || shown === undefined ? [] : [{ id, shown }];
  });
  const counted = IDS.flatMap((id) => {
    const count = rows.filter((row) => row.id === id).length;
    return count === 1 ? [] : [`${page}: ${id} has ${count} rows`];
  });
  return [...counted, ...rows.flatMap((row) => rowProblems(page, row, texts))];
}

function rowProblems(
  page: string,
  { id, shown }: { id: string; shown: string },
  texts: ReadonlyMap<string, string>,
): string[] {
  if (!IDS.includes(id)) return [`${page}: there is no ${id}`];
  const named = [...shown.matchAll(/`([\w./-]+\.ts)`(?: “([^”]+)”)?/g)];
  if (named.length === 0)
    return shown.startsWith(OPEN) ? [] : [`${page}: ${id} names no file and does not say why`];
  return named.flatMap(([, path = "", words]) => {
    const text = texts.get(path);
    if (text === undefined) return [`${page}: ${id} names ${path}, which is not there`];
    const isThere = words === undefined ? new RegExp(`\\b${id}\\b`).test(text) : text.includes(words);
    return isThere
      ? []
      : [`${page}: ${path} does not have ${words === undefined ? id : `“${words}”`} (${id})`];
  });
}
