import { describe, expect, test } from "bun:test";
import { longFiles, undocumentedExports } from "./house-rules.ts";

const INSTALLER = { path: "deploy/install.sh", text: "line\n".repeat(501) };

describe("the length of files", () => {
  const problemsOf = (path: string, lines: number) =>
    longFiles([INSTALLER, { path, text: "line\n".repeat(lines) }]);

  test("500 lines are fine in any language and one more is told", () => {
    expect(problemsOf("apps/a.ts", 500)).toEqual([]);
    for (const path of ["apps/a.ts", "apps/a.test.tsx", "apps/a.css", "scripts/install.sh"])
      expect(problemsOf(path, 501)).toEqual([`${path}: 501 lines, over 500; it is two things`]);
  });

  test("an exception that is short by now, or gone, is told", () => {
    const idle = ["deploy/install.sh: not over 500 lines; LONG_FILES needs it no more"];
    expect(longFiles([{ ...INSTALLER, text: "line\n".repeat(500) }])).toEqual(idle);
    expect(longFiles([])).toEqual(idle);
  });
});

describe("docstrings of exports", () => {
  const problemsOf = (text: string, path = "apps/a.ts") => undocumentedExports([{ path, text }]);

  test("one line, several, and one above a comment for Biome are docstrings", () => {
    expect(problemsOf("/** Gives one. */\nexport function one() {}\n")).toEqual([]);
    expect(problemsOf("/**\n * Gives one.\n * @throws Error\n */\nexport async function one() {}\n")).toEqual(
      [],
    );
    expect(problemsOf("/** One. */\n// biome-ignore lint/a/b: why\nexport class One {}\n")).toEqual([]);
  });

  test("every kind of export without one is told with its line", () => {
    const kinds = ["function", "async function", "function*", "async function*", "class", "abstract class"];
    for (const kind of [...kinds, "default function", "default async function", "default class"])
      expect(problemsOf(`\nexport ${kind} one {}`)).toEqual(["apps/a.ts:2: one has no docstring"]);
    expect(problemsOf("export default function () {}")).toEqual([
      "apps/a.ts:1: the default export has no docstring",
    ]);
  });

  test("what stands above an empty line, is no docstring or says nothing does not count", () => {
    const told = (above: string) => problemsOf(`${above}\nexport class One {}\n`).length;
    expect(told("/** One. */")).toBe(0);
    expect(told("/** Of the file. */\n")).toBe(1);
    expect(told("// One.")).toBe(1);
    expect(told("/* One. */")).toBe(1);
    expect(told("/** */")).toBe(1);
    expect(told("/**\n *\n */")).toBe(1);
    expect(told("/** Two. */\nconst TWO = 2; /* two */")).toBe(1);
  });

  test("overloads have it once, above the first", () => {
    const overloads = "export function one(a: 1): 1;\nexport function one(a: 2): 2;\n";
    expect(problemsOf(`/** One. */\n${overloads}`)).toEqual([]);
    expect(problemsOf(overloads)).toEqual(["apps/a.ts:1: one has no docstring"]);
    expect(problemsOf(`/** One. */\n${overloads}export function two() {}`)).toHaveLength(1);
  });

  test("tests, fixtures and what is not exported need none", () => {
    const bare = "export function one() {}\n";
    for (const path of ["a.test.ts", "a.fixture.ts", "a-fixture.tsx", "a/testdata/b.ts"])
      expect(problemsOf(bare, `apps/${path}`)).toEqual([]);
    expect(problemsOf("function one() {}\nexport const two = 2;\n")).toEqual([]);
    expect(problemsOf(bare, "packages/testing/src/a.ts")).toHaveLength(1);
  });
});
