import { expect, test } from "bun:test";
import { LineWindow, type WindowLimits } from "./line-window.ts";

const BYTES = Buffer.from("eins\r\nzwölf\n\nein langer Teil einer Zeile\r\nlone\rreturn\nende");
const LIMITS: WindowLimits = { start: 2, count: 4, lineBytesMax: 12, bytesMax: 1_000 };

function view(chunkBytes: number, limits: WindowLimits, whole = true) {
  const window = new LineWindow(limits);
  for (let at = 0; at < BYTES.length; at += chunkBytes) window.push(BYTES.subarray(at, at + chunkBytes));
  return window.end(whole);
}

test("the lines are the same wherever the stream is cut", () => {
  const expected = {
    text: "2\tzwölf\n3\t\n4\tein langer T… [+15 bytes]\n5\tlone\rreturn",
    shown: 4,
    lines: 6,
    crlf: 1,
    ended: 4,
    shortened: 4,
    full: false,
    lossy: false,
  };
  for (let chunkBytes = 1; chunkBytes <= BYTES.length; chunkBytes++)
    expect(view(chunkBytes, LIMITS)).toEqual(expected);
});

test("the last line counts only when the stream ended there", () => {
  const all = { ...LIMITS, start: 1, count: 9 };
  expect(view(5, all)).toMatchObject({ lines: 6, shown: 6, ended: 5 });
  expect(view(5, all, false)).toMatchObject({ lines: 5, shown: 5, ended: 5 });
});

test("the room ends at a whole line, but the first line is always shown", () => {
  const tight = { ...LIMITS, start: 1, count: 9, bytesMax: 16 };
  expect(view(3, tight)).toMatchObject({ text: "1\teins\n2\tzwölf", full: true, lines: 6 });
  expect(view(3, { ...tight, bytesMax: 1 })).toMatchObject({ text: "1\teins", full: true, shown: 1 });
});

test("a return that is one byte over the limit of a line costs no text", () => {
  const window = new LineWindow({ ...LIMITS, start: 1 });
  window.push(Buffer.from(`${"x".repeat(12)}\r\n${"x".repeat(12)}\r`));
  expect(window.end(true)).toMatchObject({
    text: `1\t${"x".repeat(12)}\n2\t${"x".repeat(12)}… [+1 bytes]`,
    shortened: 2,
  });
});
