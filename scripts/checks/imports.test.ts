import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { Transpiler } from "bun";
import { checkForbiddenCalls } from "./forbidden-calls.ts";
import { checkImports } from "./import-rules.ts";
import { scanImports } from "./import-scan.ts";
import { parseImportTable } from "./import-table.ts";
import { checkServerLayers } from "./server-layers.ts";
import { readSourceTree, type SourceFile } from "./source-tree.ts";

const TABLE = parseImportTable(`
<!-- import table -->
| part | may import |
| --- | --- |
| \`packages/base\`, \`packages/contract\` | nothing |
| \`apps/server\` | \`packages/base\` |
| \`scripts\` | \`apps/*\` |
<!-- /import table -->`);

function file(path: string, text: string): SourceFile {
  return { path, text, imports: scanImports(text) };
}
function rules(found: { path: string; line: number; rule: string }[]): string[] {
  return found.map(({ path, line, rule }) => `${path}:${line}: ${rule}`);
}

describe("scanning imports", () => {
  test("finds every form with its line, and tells type imports", () => {
    const source = [
      'import { a } from "./a.ts";',
      'import type { B } from "./b.ts";',
      "import {",
      "  type C,",
      "  type D,",
      '} from "./c.ts";',
      'import { type E, f } from "./e.ts";',
      'import "./side.ts";',
      'export * from "./g.ts";',
      'export { AGENT } from "./h.ts";',
      'const lazy = await import("./i.ts");',
      '// import { no } from "./no.ts";',
    ].join("\n");
    expect(scanImports(source).map(({ specifier, line, typeOnly }) => [specifier, line, typeOnly])).toEqual([
      ["./a.ts", 1, false],
      ["./b.ts", 2, true],
      ["./c.ts", 3, true],
      ["./e.ts", 7, false],
      ["./side.ts", 8, false],
      ["./g.ts", 9, false],
      ["./h.ts", 10, false],
      ["./i.ts", 11, false],
    ]);
  });

  test("misses nothing that Bun's own scan finds in this repository", () => {
    const files = readSourceTree(resolve(import.meta.dir, "../.."));
    expect(files.length).toBeGreaterThan(50);
    for (const { path, text, imports } of files) {
      const ours = new Set(imports.map((one) => one.specifier));
      const bun = new Transpiler({ loader: path.endsWith("x") ? "tsx" : "ts" }).scanImports(
        text.replace(/^#!.*/, ""),
      );
      // What JSX implies is imported without being written.
      const written = bun.map((one) => one.path).filter((found) => text.includes(`"${found}"`));
      const missed = written.filter((found) => !ours.has(found));
      expect({ path, missed }).toEqual({ path, missed: [] });
    }
  });
});

describe("the import table", () => {
  const check = (path: string, text: string) =>
    rules(
      checkImports(
        [file(path, text), file("packages/contract/src/run.ts", ""), file("apps/server/src/a.ts", "")],
        TABLE,
        new Map([
          ["packages/base", new Set(["zod"])],
          ["", new Set(["aimock"])],
        ]),
      ),
    );

  test("lets through what a row allows, and the part itself", () => {
    expect(check("apps/server/src/main.ts", 'import "@windshift/base/exec.ts";\nimport "./a.ts";')).toEqual(
      [],
    );
    expect(check("scripts/demo.ts", 'import "../apps/server/src/a.ts";')).toEqual([]);
  });

  test("names the place and the rule of an import it does not allow, type or not, by name or by path", () => {
    expect(
      check("apps/server/src/main.ts", '\nimport type { R } from "@windshift/contract/run.ts";'),
    ).toEqual([
      "apps/server/src/main.ts:2: apps/server must not import packages/contract (import table in docs/architecture.md)",
    ]);
    expect(check("packages/base/src/x.ts", 'import "../../contract/src/run.ts";')).toHaveLength(1);
  });

  test("refuses a part without a row", () => {
    expect(check("packages/odd/src/x.ts", 'import "@windshift/base/exec.ts";').join()).toContain(
      "has no row",
    );
  });

  test("lets tests alone import packages/testing and the root's tools", () => {
    const text = 'import "@windshift/testing/jobs.ts";\nimport "aimock";';
    expect(check("packages/base/src/x.test.ts", text)).toEqual([]);
    expect(check("packages/base/src/x.ts", text)).toHaveLength(2);
  });

  test("wants a registry package in the workspace's own package.json", () => {
    expect(check("packages/base/src/x.ts", 'import { z } from "zod";\nimport "zod/v4";')).toEqual([]);
    expect(check("packages/contract/src/x.ts", 'import { z } from "zod";').join()).toContain(
      "packages/contract/package.json",
    );
  });

  test("cannot be read when a row says nothing", () => {
    expect(() =>
      parseImportTable("<!-- import table -->\n|a|b|\n|-|-|\n|`x`| |\n<!-- /import table -->"),
    ).toThrow(/cannot read this row/);
    expect(() => parseImportTable("no table")).toThrow(/no table/);
  });
});

describe("the layers of the server", () => {
  const S = "apps/server/src";
  const check = (...files: [string, string][]) =>
    rules(checkServerLayers(files.map(([path, text]) => file(`${S}/${path}`, text))));

  test("refuse folders that import in a circle and name the circle", () => {
    const found = check(
      ["runs/run.ts", 'import "../pools/pool.ts";'],
      ["pools/pool.ts", 'import "../users/user.ts";'],
      ["users/user.ts", '\nimport "../runs/run.ts";'],
    );
    expect(found).toHaveLength(3);
    expect(found).toContain(`${S}/users/user.ts:2: folders import in a circle: users → runs → pools → users`);
  });

  test("let routes, which no folder imports, use any folder", () => {
    expect(
      check(
        ["users/user-routes.ts", 'import "../workspaces/membership.ts";'],
        ["workspaces/membership.ts", 'import "../users/user.ts";'],
      ),
    ).toEqual([]);
  });

  test("let type imports go round", () => {
    expect(
      check(
        ["runs/run.ts", 'import "../pools/pool.ts";'],
        ["pools/pool.ts", 'import type { R } from "../runs/run.ts";'],
      ),
    ).toEqual([]);
  });

  test("keep routes, db and the files at the top in their places", () => {
    expect(check(["main.ts", 'import "./runs/run-routes.ts";'])).toEqual([]);
    expect(check(["runs/run-store.ts", 'import "./run-routes.ts";'])).toHaveLength(1);
    expect(check(["db/sqlite.ts", 'import "../runs/run.ts";'])).toHaveLength(1);
    expect(check(["runs/run.ts", 'import "../config.ts";'])).toHaveLength(1);
  });
});

describe("forbidden calls", () => {
  const check = (path: string, text: string) => rules(checkForbiddenCalls([file(path, text)]));

  test("HG-16: git is started through the wrapper alone", () => {
    for (const text of [
      'exec(["git", "log"])',
      'spawn("git", [])',
      "exec(['/usr/bin/git', a])",
      "$`git log`",
    ]) {
      expect(check("apps/server/src/forge.ts", `\n${text}`)).toEqual([
        "apps/server/src/forge.ts:2: git is started only through packages/base/src/git.ts (HG-16)",
      ]);
    }
    expect(check("packages/base/src/git.ts", 'exec(["git", "log"])')).toEqual([]);
    expect(check("apps/server/src/forge.ts", '// exec(["git", "log"])\nconst kind = "git";')).toEqual([]);
  });

  test("a package reads no environment and never exits", () => {
    expect(check("packages/base/src/x.ts", "process.exit(1); process.env.HOME; Bun.env.X;")).toHaveLength(3);
    expect(check("apps/server/src/main.ts", "process.exit(1)")).toEqual([]);
    expect(check("packages/base/src/x.test.ts", "process.env.HOME")).toEqual([]);
  });
});
