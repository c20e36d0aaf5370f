import { expect, test } from "bun:test";
import { Hono } from "hono";
import { compressedReply } from "./compressed-reply.ts";

const app = new Hono()
  .get("/long", (c) => compressedReply(c, c.json({ text: "word ".repeat(2_000) })))
  .get("/short", (c) => compressedReply(c, c.json({ text: "word" })));
const get = (path: string, accepted: string) =>
  app.request(path, { headers: { "accept-encoding": accepted } });

test("a long answer is compressed where the caller takes it, and is the same", async () => {
  const plain = await get("/long", "identity");
  const packed = await get("/long", "br, gzip");
  expect(
    [plain, packed].map(({ headers }) => [headers.get("content-encoding"), headers.get("vary")]),
  ).toEqual([
    [null, null],
    ["gzip", "accept-encoding"],
  ]);
  const bytes = await packed.arrayBuffer();
  expect(bytes.byteLength).toBeLessThan(500);
  expect(new TextDecoder().decode(Bun.gunzipSync(bytes))).toBe(await plain.text());
  expect(packed.headers.get("content-type")).toBe("application/json");
});

test("a short one goes as it is", async () => {
  const reply = await get("/short", "gzip");
  expect([reply.headers.get("content-encoding"), await reply.json()]).toEqual([null, { text: "word" }]);
});
