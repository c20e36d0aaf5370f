import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OutputStore } from "./output-store.ts";

test("a short output is given whole and leaves no file", () => {
  const store = new OutputStore();
  expect(store.cut("x".repeat(24_000))).toEqual({ text: "x".repeat(24_000), truncated: false });
  expect(store.dirs()).toEqual([]);
});

test("a long output is given as head and tail, and its file has every byte, however it came in", () => {
  const text = Array.from({ length: 20_000 }, (_, at) => `line ${at}\n`).join("");
  for (const chunkBytes of [7, 1_000, 65_536, text.length]) {
    const store = new OutputStore();
    const collector = store.collect();
    for (let at = 0; at < text.length; at += chunkBytes)
      collector.push(Buffer.from(text.slice(at, at + chunkBytes)));
    const shown = collector.end();
    expect(shown.truncated).toBe(true);
    const [head = "", middle = "", tail = ""] = shown.text.split(/^(\[\.\.\. .*)$/m);
    expect(text.startsWith(head.slice(0, -1))).toBe(true);
    expect(text.endsWith(tail.slice(1))).toBe(true);
    expect([head.length, tail.length]).toEqual([12_001, 12_001]);
    expect(middle).toContain(`${text.length - 24_000} bytes cut`);
    expect(readFileSync(/in (\S+) \.\.\.\]/.exec(middle)?.[1] ?? "", "utf8")).toBe(text);
    for (const dir of store.dirs()) rmSync(dir, { recursive: true });
  }
});

test("colors and NULs do not reach the model", () => {
  expect(new OutputStore().cut("\u001b[31mred\u001b[0m\0").text).toBe("red\ufffd");
});

test("bytes that come after the end are written nowhere, whoever has the file's number by then", () => {
  const store = new OutputStore();
  const collector = store.collect();
  collector.push(Buffer.alloc(30_000, "x"));
  const [dir = ""] = store.dirs();
  expect(collector.end().truncated).toBe(true);
  const other = join(dir, "other");
  const number = openSync(other, "wx");
  collector.push(Buffer.from("late"));
  closeSync(number);
  expect(readFileSync(other, "utf8")).toBe("");
  expect(readFileSync(join(dir, "1.txt"), "utf8")).toBe("x".repeat(30_000));
  rmSync(dir, { recursive: true });
});

test("a short output that goes on after its end makes no file", () => {
  const store = new OutputStore();
  const collector = store.collect();
  collector.end();
  collector.push(Buffer.alloc(30_000, "x"));
  expect(store.dirs()).toEqual([]);
});
