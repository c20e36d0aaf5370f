import { expect, test } from "bun:test";
import { tokenWeight } from "../context/token-weight.ts";
import { cutMiddle } from "./text-cut.ts";

const notice = (chars: number) => `[${chars} cut]`;

test("a text that fits stays as it is", () => {
  expect(cutMiddle("short", 100, tokenWeight, notice)).toBe("short");
});

test("a text that does not keeps its two ends within the limit, whatever it is made of", () => {
  for (const unit of ["some words ", "aGVsbG8", "我们需要", "😀"]) {
    const cut = cutMiddle(`BEGIN${unit.repeat(5_000)}END`, 500, tokenWeight, notice);
    expect(cut).toStartWith("BEGIN");
    expect(cut).toEndWith("END");
    expect(cut).toMatch(/\[\d+ cut\]/);
    expect(tokenWeight(cut)).toBeLessThanOrEqual(500);
    expect(cut.isWellFormed()).toBe(true);
  }
});

test("with no room at all the notice stands alone", () => {
  expect(cutMiddle("many words in here", 1, tokenWeight, notice)).toBe("[18 cut]");
});
