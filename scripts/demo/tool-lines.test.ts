import { expect, test } from "bun:test";
import { ToolLines } from "./tool-lines.ts";

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}`);

test("a line is shown once it is complete", () => {
  const lines = new ToolLines();
  expect(lines.piece("1", "one\ntw")).toEqual(["one"]);
  expect(lines.piece("1", "o\n")).toEqual(["two"]);
});

test("the result brings only what was not shown while the tool ran", () => {
  const lines = new ToolLines();
  lines.piece("1", "one\ntwo");
  expect(lines.end("1", "one\ntwo\nthree\n")).toEqual(["two", "three"]);
});

test("a result that differs from what was shown is shown whole", () => {
  const lines = new ToolLines();
  lines.piece("1", "one\ntwo\n");
  expect(lines.end("1", "[binary output]")).toEqual(["[binary output]"]);
});

test("twelve lines are shown, and how many more there are", () => {
  const lines = new ToolLines();
  expect(lines.piece("1", `${numbers(1, 10).join("\n")}\n`)).toEqual(numbers(1, 10));
  expect(lines.piece("1", `${numbers(11, 20).join("\n")}\n`)).toEqual(numbers(11, 12));
  expect(lines.end("1", numbers(1, 20).join("\n"))).toEqual(["… 8 more lines"]);
  expect(lines.end("2", numbers(1, 13).join("\n"))).toEqual([...numbers(1, 12), "… 1 more line"]);
});

test("two tools at once do not mix", () => {
  const lines = new ToolLines();
  expect(lines.piece("1", "a")).toEqual([]);
  expect(lines.piece("2", "b\n")).toEqual(["b"]);
  expect(lines.piece("1", "c\n")).toEqual(["ac"]);
});
