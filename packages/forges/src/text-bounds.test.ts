import { expect, test } from "bun:test";
import { fitText } from "./text-bounds.ts";

const MARKS = "\n\n<!-- windshift:run:1:2 -->\n<!-- windshift -->";

test("a text that fits stays as it is", () => {
  expect(fitText(`a${MARKS}`, 100, "GitHub")).toBe(`a${MARKS}`);
});

test("a longer one is cut to the bound, says so, and keeps its marks", () => {
  const fitted = fitText(`${"a".repeat(5_000)}${MARKS}`, 1_000, "GitHub");
  expect(fitted.length).toBe(1_000);
  expect(fitted).toContain("GitHub takes at most 1,000 characters");
  expect(fitted).toEndWith(MARKS);
});

test("no character is cut in two, and a mark in the middle is text as any other", () => {
  for (const charsMax of [200, 201]) {
    const fitted = fitText(`${"\u{1f600}".repeat(500)}<!-- x -->y`, charsMax, "GitLab");
    expect(fitted.isWellFormed()).toBe(true);
    expect(fitted).not.toContain("\ufffd");
    expect(fitted).not.toContain("<!--");
    expect(fitted.length).toBeLessThanOrEqual(charsMax);
  }
});
