import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { checkForbiddenCalls } from "./checks/forbidden-calls.ts";
import { checkImports, type Declared } from "./checks/import-rules.ts";
import { parseImportTable } from "./checks/import-table.ts";
import { checkServerLayers } from "./checks/server-layers.ts";
import { readSourceTree, unitOf } from "./checks/source-tree.ts";

const Manifest = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

/** Every import and call that breaks a rule of docs/architecture.md, as `file:line: rule`. Only reads. */
export function importProblems(root: string): string[] {
  const files = readSourceTree(root);
  const table = parseImportTable(readFileSync(join(root, "docs/architecture.md"), "utf8"));
  const units = ["", ...new Set(files.map((file) => unitOf(file.path)))];
  const declared: Declared = new Map(
    units.map((unit) => [unit, declaredBy(join(root, unit, "package.json"))]),
  );
  const violations = [
    ...checkImports(files, table, declared),
    ...checkServerLayers(files),
    ...checkForbiddenCalls(files),
  ];
  return violations.map(({ path, line, rule }) => `${path}:${line}: ${rule}`);
}

function declaredBy(manifestFile: string): Set<string> {
  if (!existsSync(manifestFile)) return new Set();
  const manifest = Manifest.parse(JSON.parse(readFileSync(manifestFile, "utf8")));
  return new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)]);
}

if (import.meta.main) {
  const problems = importProblems(resolve(import.meta.dir, ".."));
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  process.exit(problems.length > 0 ? 1 : 0);
}
