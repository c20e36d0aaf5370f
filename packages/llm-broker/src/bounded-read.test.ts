import { expect, test } from "bun:test";
import { readBounded } from "./bounded-read.ts";

/** A server that gives the bytes of one answer as they stand. */
async function answered(bytes: string): Promise<AsyncDisposable & { response: Response }> {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => void socket.end(bytes) },
  });
  const response = await fetch(`http://127.0.0.1:${server.port}`);
  return { response, [Symbol.asyncDispose]: async () => server.stop(true) };
}

test("a reply that announces a small length and comes in chunks is counted all the same", async () => {
  const chunks = `64\r\n${"x".repeat(100)}\r\n0\r\n\r\n`;
  for (const head of [
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
  ]) {
    await using one = await answered(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${chunks}`);
    expect(await readBounded(one.response, 10)).toEqual({ kind: "too_large", head: "x".repeat(10) });
  }
});

test("of a reply with a length no more than that is read", async () => {
  await using one = await answered(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${"x".repeat(100)}`);
  expect(await readBounded(one.response, 10)).toEqual({ kind: "whole", text: "xxxxx" });
});

test("packed bytes are counted when they are unpacked", async () => {
  const packed = Buffer.from(Bun.gzipSync("x".repeat(1_000)));
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      new Response(packed, {
        headers: { "Content-Encoding": "gzip", "Content-Length": String(packed.length) },
      }),
  });
  const response = await fetch(server.url);
  expect(packed.length).toBeLessThan(500);
  expect((await readBounded(response, 500)).kind).toBe("too_large");
});

test("a reply that is cut before its length rejects", async () => {
  await using one = await answered("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf");
  await expect(readBounded(one.response, 100)).rejects.toThrow();
});
