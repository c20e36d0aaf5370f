import { expect, test } from "bun:test";
import { SseParser } from "./sse.ts";

const STREAM =
  '\uFEFF: hello\r\nevent: x\r\ndata: {"a":"é😀"}\r\n\r\ndata:one\ndata: two\n\nid: 3\ndata: [DONE]\r\rdata: cut off';
const EVENTS = ['{"a":"é😀"}', "one\ntwo", "[DONE]"];

function whole(...chunks: Uint8Array[]) {
  const parser = new SseParser();
  const events = chunks.flatMap((chunk) => parser.push(chunk));
  return { events, rest: parser.end() };
}

test("events come out the same wherever the bytes are cut", () => {
  const bytes = new TextEncoder().encode(STREAM);
  for (let cut = 0; cut <= bytes.length; cut++)
    expect(whole(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual({ events: EVENTS, rest: "cut off" });
});

test("events come out the same byte by byte", () => {
  const bytes = [...new TextEncoder().encode(STREAM)].map((byte) => Uint8Array.of(byte));
  expect(whole(...bytes)).toEqual({ events: EVENTS, rest: "cut off" });
});

test("every end of line counts once, also when CR and LF come apart", () => {
  for (const line of ["\n", "\r", "\r\n"]) {
    const bytes = new TextEncoder().encode(`data: a${line}data: b${line}${line}data: c${line}${line}`);
    expect(whole(bytes).events).toEqual(["a\nb", "c"]);
    expect(whole(...[...bytes].map((byte) => Uint8Array.of(byte))).events).toEqual(["a\nb", "c"]);
  }
});

test("bytes that are no UTF-8 become U+FFFD and disturb nothing else", () => {
  const bytes = Buffer.concat([
    Buffer.from("data: a"),
    Buffer.from([0xff, 0xc3]),
    Buffer.from("\n\ndata: b\n\n"),
  ]);
  expect(whole(bytes).events).toEqual(["a\ufffd\ufffd", "b"]);
});

test("a long line in pieces of a byte, and many short lines, cost time in proportion", () => {
  const timed = (bytes: number, piece: Uint8Array) => {
    const parser = new SseParser();
    // Of the processor, as others have it too.
    const before = process.cpuUsage();
    for (let at = 0; at < bytes; at += piece.length) parser.push(piece);
    parser.push(Buffer.from("\n\n"));
    return process.cpuUsage(before).user / 1_000;
  };
  for (const piece of ["x", "data: x", "data:\n", "\r"].map((text) => Buffer.from(text))) {
    const small = Math.min(...[1, 2, 3].map(() => timed(131_072, piece)));
    const large = Math.min(...[1, 2].map(() => timed(1_048_576, piece)));
    // Eight times as much; quadratic would be 64 times.
    expect(large / Math.max(small, 10)).toBeLessThan(40);
  }
}, 30_000);

test("a line of 16 MB comes out whole", () => {
  const parser = new SseParser();
  parser.push(Buffer.from("data: "));
  for (let at = 0; at < 256; at++) parser.push(Buffer.alloc(65_536, "x"));
  expect(parser.push(Buffer.from("\n\n"))[0]).toHaveLength(16_777_216);
});
