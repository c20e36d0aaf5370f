import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Glob } from "bun";
import { type Import, scanImports } from "./import-scan.ts";

export interface SourceFile {
  /** Relative to the root, with `/`. */
  path: string;
  text: string;
  imports: readonly Import[];
}

/** Something that breaks a rule, with the place where it does. */
export interface Violation {
  path: string;
  line: number;
  rule: string;
}

/** Every TypeScript file of ours under `root`. */
export function readSourceTree(root: string): SourceFile[] {
  return ourPaths(root, "{ts,tsx}").map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    return { path, text, imports: scanImports(text) };
  });
}

/** Every style sheet and shell script of ours under `root`, those of `deploy` with them. */
export function readStylesAndScripts(root: string): Pick<SourceFile, "path" | "text">[] {
  return ourPaths(root, "{css,sh}").map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

function ourPaths(root: string, endings: string): string[] {
  const paths = ["apps", "packages", "scripts", "bench", "e2e", "examples", "deploy"].flatMap((top) => [
    ...new Glob(`${top}/**/*.${endings}`).scanSync({ cwd: root }),
  ]);
  const ours = paths.filter(
    (path) => !/(?:^|\/)(?:node_modules|dist)\/|^e2e\/scenarios\/[^/]+\/repo\//.test(path),
  );
  return ours.sort();
}

/** The part of the tree a file belongs to: `apps/server`, `packages/base`, or a top folder such as `scripts`. */
export function unitOf(path: string): string {
  const [top = "", second = ""] = path.split("/");
  return top === "apps" || top === "packages" ? `${top}/${second}` : top;
}

/** A file that only runs under `bun test`: tests, their fixtures and contract suites. */
export function isTestOnly(path: string): boolean {
  return (
    /(?:\.test|[-.]fixture)\.tsx?$/.test(path) ||
    /^(?:packages\/testing|apps\/[^/]+\/src\/testing)\//.test(path)
  );
}

export type Target =
  /** A file of ours, relative to the root. */
  | { kind: "ours"; path: string }
  /** A package from the registry. */
  | { kind: "registry"; name: string }
  | { kind: "builtin" };

/** What a specifier means in a file. `units` are the workspaces there are. */
export function resolveImport(from: string, specifier: string, units: ReadonlySet<string>): Target {
  if (specifier.startsWith(".")) return { kind: "ours", path: normalize(join(dirname(from), specifier)) };
  if (/^(?:node|bun):|^bun$/.test(specifier)) return { kind: "builtin" };
  const [scope = "", name = "", ...rest] = specifier.split("/");
  if (scope === "@windshift") {
    const unit = units.has(`apps/${name}`) ? `apps/${name}` : `packages/${name}`;
    return { kind: "ours", path: [unit, "src", ...rest].join("/") };
  }
  return { kind: "registry", name: scope.startsWith("@") ? `${scope}/${name}` : scope };
}
