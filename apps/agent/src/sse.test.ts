import { expect, test } from "bun:test";
import { SseParser } from "./sse.ts";

const STREAM =
  ': hello\r\nevent: x\r\ndata: {"a":"é"}\r\n\r\ndata:one\ndata: two\n\nid: 3\ndata: [DONE]\r\rdata: cut off';
const EVENTS = ['{"a":"é"}', "one\ntwo", "[DONE]"];

test("events come out the same wherever the bytes are cut", () => {
  const bytes = new TextEncoder().encode(STREAM);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const parser = new SseParser();
    expect([...parser.push(bytes.subarray(0, cut)), ...parser.push(bytes.subarray(cut))]).toEqual(EVENTS);
  }
});

test("events come out the same byte by byte", () => {
  const parser = new SseParser();
  const events = [...new TextEncoder().encode(STREAM)].flatMap((byte) => parser.push(Uint8Array.of(byte)));
  expect(events).toEqual(EVENTS);
});
