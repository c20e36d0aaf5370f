import { expect, test } from "bun:test";
import { countText } from "./count-text.ts";

test("groups of three digits are told apart, as the browser does it", () => {
  for (const count of [0, 7, 999, 1_000, 12_345, 999_999, 1_000_000, 9_007_199_254_740_991])
    expect(countText(count)).toBe(count.toLocaleString("en-US"));
});
