import { expect, test } from "bun:test";
import { levelHeadings } from "./heading-order.ts";

function levels(...depths: number[]): number[] {
  const headings = depths.map((depth) => ({ type: "heading", depth }));
  levelHeadings([{ type: "blockquote", tokens: headings }]);
  return headings.map(({ depth }) => depth);
}

test("headings begin at the third level and none is missing between two", () => {
  expect(levels(1, 2, 3)).toEqual([3, 4, 5]);
  expect(levels(2, 4, 4, 2, 6)).toEqual([3, 4, 4, 3, 4]);
  expect(levels(4, 2, 3)).toEqual([3, 3, 4]);
});

test("deep ones end at the sixth level", () => {
  expect(levels(1, 2, 3, 4, 5, 6)).toEqual([3, 4, 5, 6, 6, 6]);
});
