import { expect, test } from "bun:test";
import { formatByteSize, parseByteSize } from "./byte-size.ts";

test("a size is read as container engines write it", () => {
  expect(["20g", "1.5G", "512m", "64k", "17b", "17", "0", "2t"].map(parseByteSize)).toEqual([
    21_474_836_480, 1_610_612_736, 536_870_912, 65_536, 17, 17, 0, 2_199_023_255_552,
  ]);
});

test("what is no size is told apart from zero", () => {
  for (const text of ["", "g", "20 g", "20gb", "-1g", "1e3", "20x", `${"9".repeat(20)}t`])
    expect([text, parseByteSize(text)]).toEqual([text, undefined]);
});

test("a size is written as it is read", () => {
  expect([21_474_836_480, 1_610_612_736, 65_536, 17, 0].map(formatByteSize)).toEqual([
    "20g",
    "1.5g",
    "64k",
    "17b",
    "0b",
  ]);
});
