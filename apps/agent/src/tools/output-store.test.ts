import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
    const collector = store.collect("terminal");
    for (let at = 0; at < text.length; at += chunkBytes)
      collector.push(Buffer.from(text.slice(at, at + chunkBytes)));
    const shown = collector.end();
    expect(shown.truncated).toBe(true);
    const [head = "", middle = "", tail = ""] = shown.text.split(/^(\[\.\.\. .*)$/m);
    expect(text.startsWith(head.slice(0, -1))).toBe(true);
    expect(text.endsWith(tail.slice(1))).toBe(true);
    const half = 12_000;
    for (const part of [head, tail]) expect(part.length).toBeWithin(half - 20, half + 1);
    expect(
      [head, tail].map((part) =>
        part
          .trim()
          .split("\n")
          .every((line) => /^line \d+$/.test(line)),
      ),
    ).toEqual([true, true]);
    expect(middle).toContain(`${text.length - (head.length + tail.length - 1)} bytes cut`);
    expect(readFileSync(/in (\S+) \.\.\.\]/.exec(middle)?.[1] ?? "", "utf8")).toBe(text);
    for (const dir of store.dirs()) rmSync(dir, { recursive: true });
  }
});

function terminal(text: string | Uint8Array, store = new OutputStore()) {
  const collector = store.collect("terminal");
  collector.push(Buffer.from(text));
  return collector.end();
}

test("colors, NULs and the early states of a progress bar do not reach the model; a file's own text stays", () => {
  expect(terminal("\u001b[31mred\u001b[0m\0").text).toBe("red\ufffd");
  expect(terminal(" 10%\r 50%\r100%\ndone\r\n").text).toBe("100%\ndone\r\n");
  expect(new OutputStore().cut("\u001b[31mred\u001b[0m a\rb").text).toBe("\u001b[31mred\u001b[0m a\rb");
});

test("a cut falls between characters where there are no lines", () => {
  const store = new OutputStore();
  const { text } = terminal("é€😀".repeat(5_000), store);
  expect(text).not.toContain("\ufffd");
  const cut = Number(/(\d+) bytes cut/.exec(text)?.[1]);
  expect(cut + Buffer.byteLength(text.replace(/\n\[.*\]\n/, ""))).toBe(9 * 5_000);
  for (const dir of store.dirs()) rmSync(dir, { recursive: true });
});

test("binary output is named, and its bytes are kept, however short", () => {
  const store = new OutputStore();
  const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, at) => (at * 167) % 256));
  const { text, truncated } = terminal(Buffer.concat([Buffer.from("building\n"), bytes]), store);
  expect(truncated).toBe(true);
  const [, path = ""] =
    /^building\n\[binary output is not shown\]\n\[1009 bytes; the full output is in (\S+)\]$/.exec(text) ??
    [];
  expect(readFileSync(path).subarray(9)).toEqual(bytes);
  for (const dir of store.dirs()) rmSync(dir, { recursive: true });
});

test("names ended by NULs and a text in Latin-1 are no binary output", () => {
  const names = Array.from({ length: 100 }, (_, at) => `./src/some-folder/file-${at}.ts\0`).join("");
  expect(terminal(names).text).toBe(names.replaceAll("\0", "\ufffd"));
  const latin1 = Buffer.from("Ein Text, wie man ihn früher schrieb. ".repeat(50), "latin1");
  expect(terminal(latin1).text).toContain("fr\ufffdher schrieb");
});

test("the oldest outputs make room for new ones, and their files say so", () => {
  const store = new OutputStore(100_000);
  const pathOf = (text: string) => /in (\S+) \.\.\.\]/.exec(text)?.[1] ?? "";
  const paths = [1, 2, 3, 4].map(() => pathOf(store.cut("x".repeat(40_000)).text));
  const sizes = paths.map((path) => readFileSync(path, "utf8").length);
  expect(sizes.slice(2)).toEqual([40_000, 40_000]);
  for (const path of paths.slice(0, 2))
    expect(readFileSync(path, "utf8")).toContain("dropped to save memory");
  for (const dir of store.dirs()) rmSync(dir, { recursive: true });
});

test("an output that cannot be kept is shown all the same", () => {
  const store = new OutputStore();
  store.cut("x".repeat(30_000));
  const [dir = ""] = store.dirs();
  rmSync(dir, { recursive: true });
  expect(store.cut("y".repeat(30_000)).text).toContain("full output is in");
  rmSync(dir, { recursive: true });
  writeFileSync(dir, "in the way");
  const { text } = store.cut("z".repeat(30_000));
  expect(text).toStartWith("zzz");
  expect(text).toContain("the full output could not be kept (");
  rmSync(dir);
});

test("bytes that come after the end are written nowhere, whoever has the file's number by then", () => {
  const store = new OutputStore();
  const collector = store.collect("terminal");
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
  const collector = store.collect("terminal");
  collector.end();
  collector.push(Buffer.alloc(30_000, "x"));
  expect(store.dirs()).toEqual([]);
});
