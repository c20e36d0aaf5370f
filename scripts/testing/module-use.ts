import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { scanImports } from "../checks/import-scan.ts";

/** Where a test gets its database from, on the engine the test run chose. */
export const DATABASE_FIXTURE = "packages/testing/src/database-fixture.ts";
/** How a test starts a program of the project. */
export const PROGRAM_COMMAND = "packages/testing/src/program-command.ts";

/**
 * Tells of a file whether it loads a module: by itself, or by what it imports. A test that makes no database shows the same on both
 * engines, and one that starts no program waits for none to be compiled.
 * @param root of the repository; paths are relative to it
 */
export function moduleUse(root: string): (file: string, module: string) => boolean {
  const imports = new Map<string, readonly string[]>();
  const importsOf = (file: string) => {
    const known = imports.get(file) ?? ownImports(root, file);
    imports.set(file, known);
    return known;
  };
  return (file, module) => {
    const seen = new Set([file]);
    for (const one of seen) for (const next of importsOf(one)) seen.add(next);
    return seen.has(module);
  };
}

/** The repository's own files that a file loads. */
function ownImports(root: string, file: string): string[] {
  return scanImports(readFileSync(join(root, file), "utf8"))
    .filter(({ typeOnly }) => !typeOnly)
    .flatMap(({ specifier }) => pathOf(root, file, specifier) ?? [])
    .filter((path) => path.endsWith(".ts") && existsSync(join(root, path)));
}

function pathOf(root: string, file: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return relative(root, resolve(root, dirname(file), specifier));
  const [, name, rest] = /^@windshift\/([^/]+)\/(.+)$/.exec(specifier) ?? [];
  return name && rest && `packages/${name}/src/${rest}`;
}
