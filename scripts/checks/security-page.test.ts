import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { knownIds, securityPageProblems } from "./security-page.ts";

const ROOT = resolve(import.meta.dir, "../..");
const PAGE = readFileSync(join(ROOT, "docs/security.md"), "utf8");

test("docs/security.md has every threat once, with files that name it, or says that it is open", () => {
  expect(knownIds().length).toBe(231);
  expect(securityPageProblems(ROOT, PAGE)).toEqual([]);
});

test("a row that is missing, twice, without files, of a file that is gone or that does not name it is a problem", () => {
  const row = PAGE.split("\n").find((line) => line.startsWith("| GB-01 |")) ?? "";
  const now = securityPageProblems(ROOT, PAGE);
  const changed = (to: string) =>
    securityPageProblems(ROOT, PAGE.replace(row, to)).filter((problem) => !now.includes(problem));
  expect(changed("")).toEqual(["GB-01 stands in the table 0 times"]);
  expect(changed(`${row}\n${row}`)).toEqual(["GB-01 stands in the table 2 times"]);
  expect(changed("| GB-01 | a push | soon |")).toEqual(["GB-01: write open, or the files that test it"]);
  expect(changed("| GB-01 | a push | `gone.test.ts` |")).toEqual(["GB-01: there is no file gone.test.ts"]);
  expect(changed("| GB-01 | a push | `README.md` |")).toEqual(["GB-01: no test of README.md names it"]);
  expect(changed("| GB-01 | a push | in part: `README.md` |")).toEqual([]);
  expect(changed("| GB-01 | a push | open |")).toEqual([]);
  expect(changed("| GB-01 | a push | does not apply: nobody pushes |")).toEqual([]);
});
