/** What one part of the tree may import besides itself. */
export interface ImportRow {
  importer: string;
  /** Units such as `packages/base`; `packages/*` and `apps/*` stand for all of them. */
  allowed: readonly string[];
}

/**
 * Reads the table between `<!-- import table -->` and `<!-- /import table -->`: a row names importers and what they may
 * import, each in backquotes; `nothing` is written out.
 * @throws Error when the table is missing or a row cannot be read
 */
export function parseImportTable(markdown: string): ImportRow[] {
  const table = markdown.match(/<!-- import table -->([\s\S]*?)<!-- \/import table -->/)?.[1];
  if (table === undefined)
    throw new Error("no table between <!-- import table --> and <!-- /import table -->");
  const lines = table
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("|"));
  return lines.slice(2).flatMap((line) => {
    const [, importers = "", allowed = ""] = line.split("|");
    const names = quoted(importers);
    if (names.length === 0 || (quoted(allowed).length === 0 && !allowed.includes("nothing"))) {
      throw new Error(`cannot read this row of the import table: ${line}`);
    }
    return names.map((importer) => ({ importer, allowed: quoted(allowed) }));
  });
}

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}

/** @returns undefined when the table has no row for the importer */
export function mayImport(
  table: readonly ImportRow[],
  importer: string,
  target: string,
): boolean | undefined {
  const row = table.find((one) => one.importer === importer);
  if (row === undefined) return undefined;
  const [top] = target.split("/");
  return target === importer || row.allowed.includes(target) || row.allowed.includes(`${top}/*`);
}
