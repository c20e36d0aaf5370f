/** One import or re-export of a module. */
export interface Import {
  /** As written: `./run.ts`, `@windshift/base/exec.ts`, `node:fs`. */
  specifier: string;
  /** From 1. */
  line: number;
  /** Only types come in, so nothing is loaded at run time. */
  typeOnly: boolean;
}

/**
 * Finds every import of a source file, type imports included (a bundler's own scan drops those). Relies on the form
 * Biome gives the code: a statement starts its line.
 */
export function scanImports(source: string): Import[] {
  const found: Import[] = [];
  const add = (at: number, specifier: string, typeOnly: boolean) =>
    found.push({ specifier, line: source.slice(0, at).split("\n").length, typeOnly });
  for (const match of source.matchAll(
    /^(?:import|export)\s+(?:(type)\s+)?([^"'`;]*?)\bfrom\s*["']([^"'\n]+)["']/gm,
  )) {
    const [, keyword, names = "", specifier = ""] = match;
    add(match.index, specifier, keyword === "type" || namesOnlyTypes(names));
  }
  for (const match of source.matchAll(/^import\s*["']([^"'\n]+)["']/gm))
    add(match.index, match[1] ?? "", false);
  for (const match of source.matchAll(/(?<![\w.$])import\(\s*["']([^"'\n]+)["']\s*\)(\s*\.)?/g)) {
    add(match.index, match[1] ?? "", false);
  }
  return found.sort((a, b) => a.line - b.line);
}

/** `{ type A, type B }`. */
function namesOnlyTypes(names: string): boolean {
  const inside = names.match(/^\{([\s\S]*)\}\s*$/)?.[1];
  if (inside === undefined) return false;
  const parts = inside
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return parts.length > 0 && parts.every((part) => part.startsWith("type "));
}
