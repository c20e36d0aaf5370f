import { type ImportRow, mayImport } from "./import-table.ts";
import { isTestOnly, resolveImport, type SourceFile, unitOf, type Violation } from "./source-tree.ts";

/** What a package.json gives its code: names of the packages it declares. */
export type Declared = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Holds every import to the table, and every import from the registry to the package.json of its own workspace (the
 * installer's shared folder would let an undeclared one through). Tests may also import every package and what the
 * root declares.
 * @param declared by unit; the root's own under ""
 */
export function checkImports(
  files: readonly SourceFile[],
  table: readonly ImportRow[],
  declared: Declared,
): Violation[] {
  const units = new Set(files.map((file) => unitOf(file.path)));
  const violations: Violation[] = [];
  for (const file of files) {
    const unit = unitOf(file.path);
    for (const one of file.imports) {
      const target = resolveImport(file.path, one.specifier, units);
      const rule =
        target.kind === "ours"
          ? brokenTableRule(file.path, unit, unitOf(target.path), table)
          : target.kind === "registry"
            ? brokenDependencyRule(file.path, unit, target.name, declared)
            : undefined;
      if (rule !== undefined) violations.push({ path: file.path, line: one.line, rule });
    }
  }
  return violations;
}

function brokenTableRule(
  path: string,
  importer: string,
  target: string,
  table: readonly ImportRow[],
): string | undefined {
  // Scripts read the root's own package.json.
  if (target === "package.json" && !importer.includes("/")) return undefined;
  if (target === importer || (target.startsWith("packages/") && isTestOnly(path))) return undefined;
  const allowed = mayImport(table, importer, target);
  if (allowed === undefined) return `${importer} has no row in the import table of docs/architecture.md`;
  return allowed ? undefined : `${importer} must not import ${target} (import table in docs/architecture.md)`;
}

function brokenDependencyRule(
  path: string,
  unit: string,
  name: string,
  declared: Declared,
): string | undefined {
  if (declared.get(unit)?.has(name)) return undefined;
  const isTool = isTestOnly(path) || !unit.includes("/");
  if (isTool && declared.get("")?.has(name)) return undefined;
  return `${name} is not among the dependencies in ${unit.includes("/") ? `${unit}/` : ""}package.json`;
}
