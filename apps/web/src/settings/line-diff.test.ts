import { expect, test } from "bun:test";
import { diffLines } from "./line-diff.ts";

function shown(before: string, after: string): string {
  const sign = { same: " ", added: "+", removed: "-" };
  return diffLines(before, after)
    .map(({ kind, text }) => sign[kind] + text)
    .join("|");
}

test("only the lines that change are shown as changed", () => {
  expect(shown("a\nb\nc", "a\nx\nc")).toBe(" a|-b|+x| c");
  expect(shown("a\nb", "a\nb")).toBe(" a| b");
  expect(shown("", "a\nb")).toBe("+a|+b");
  expect(shown("a\nb", "")).toBe("-a|-b");
  expect(shown("a\nb\nc\nd", "b\nd\ne")).toBe("-a| b|-c| d|+e");
});

test("a line that stands twice is added once", () => {
  expect(shown("x\nx", "x\nx\nx")).toBe(" x| x|+x");
});
