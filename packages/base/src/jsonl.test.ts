import { expect, test } from "bun:test";
import { type Line, LineSplitter } from "./jsonl.ts";

const BYTES_MAX = 300;
const LONGEST = "z".repeat(300);
const TOO_LONG = "x".repeat(301);

/** The lines of `bytes`, given in chunks of `size`. */
function linesOf(bytes: Uint8Array, size: number): Line[] {
  const splitter = new LineSplitter(BYTES_MAX);
  const lines: Line[] = [];
  for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)));
  return [...lines, ...splitter.end()];
}
const line = (text: string): Line => ({ kind: "line", text });

test("the lines are the same wherever the bytes are cut", () => {
  const bytes = Buffer.concat([
    Buffer.from(`one\n\ntwo\r\nzwölf €\n${TOO_LONG}\nthree\n`),
    Buffer.from([0xe2, 0x82, 10]),
    Buffer.from(`${LONGEST}\nlast`),
  ]);
  const tooLong: Line = { kind: "too_long", bytes: 301, head: "x".repeat(200) };
  const wanted = [
    ...["one", "", "two", "zwölf €"].map(line),
    tooLong,
    ...["three", "\ufffd", LONGEST, "last"].map(line),
  ];
  for (let size = 1; size <= bytes.length; size++) expect(linesOf(bytes, size)).toEqual(wanted);
});

test("a line that is cut over a million chunks is held once and told of once", () => {
  const splitter = new LineSplitter(BYTES_MAX);
  const before = process.memoryUsage().rss;
  const chunk = Buffer.alloc(1_024, "y");
  let told = 0;
  for (let i = 0; i < 1_000_000; i++) told += splitter.push(chunk).length;
  expect(told).toBe(0);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1_048_576);
  expect(splitter.push(Buffer.from("\n"))).toEqual([
    { kind: "too_long", bytes: 1_024_000_000, head: "y".repeat(200) },
  ]);
  expect(splitter.end()).toEqual([]);
});
