import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { faultTableProblems } from "./fault-table.ts";
import { readSourceTree, type SourceFile } from "./source-tree.ts";

const ROOT = resolve(import.meta.dir, "../..");
const PAGE = "docs/reliability.md";
const real = readFileSync(`${ROOT}/${PAGE}`, "utf8");
const files = readSourceTree(ROOT);
const file = (path: string, text: string): SourceFile => ({ path, text, imports: [] });

test("every fault and every invariant has one row, and what it names is there", () => {
  expect(faultTableProblems(PAGE, real, files)).toEqual([]);
});

test("a missing row, a second one, a file that is gone and words that are not in it are told", () => {
  const row = (shown: string) => `| F01 | killed | ${shown} |`;
  const problemsOf = (...rows: string[]) =>
    faultTableProblems("p.md", rows.join("\n"), [file("a/b.test.ts", 'test("F01 it holds", …')]).filter(
      (problem) => problem.includes("F01"),
    );
  expect(problemsOf(row("`a/b.test.ts`"))).toEqual([]);
  expect(problemsOf(row("`a/b.test.ts` “it holds”"))).toEqual([]);
  expect(problemsOf(row("not shown: nobody has two machines"))).toEqual([]);
  expect(problemsOf()).toEqual(["p.md: F01 has 0 rows"]);
  expect(problemsOf(row("`a/b.test.ts`"), row("`a/b.test.ts`"))).toEqual(["p.md: F01 has 2 rows"]);
  expect(problemsOf(row("`a/c.test.ts`"))).toEqual(["p.md: F01 names a/c.test.ts, which is not there"]);
  expect(problemsOf(row("`a/b.test.ts` “it fails”"))).toEqual([
    "p.md: a/b.test.ts does not have “it fails” (F01)",
  ]);
  expect(problemsOf(row("somewhere"))).toEqual(["p.md: F01 names no file and does not say why"]);
});
