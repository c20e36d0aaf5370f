import { expect, test } from "bun:test";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { type Flood, FloodCount } from "./flood-sender.ts";

const OPEN_MAX = 3;

test("a flood goes on at a server that closes the connection after each answer", async () => {
  let requests = 0;
  const data = (socket: Bun.Socket<undefined>) => {
    requests++;
    socket.end("HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  };
  using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data } });
  const sender = Bun.spawn([process.execPath, join(import.meta.dir, "flood-sender.ts")], {
    stdin: "pipe",
    stdout: "pipe",
  });
  const flood: Flood = {
    url: `http://127.0.0.1:${server.port}`,
    credential: "credential",
    boot: "boot",
    perSecond: 1_000,
    openMax: OPEN_MAX,
  };
  sender.stdin.write(`${JSON.stringify(flood)}\n`);
  await sender.stdin.flush();
  await eventually("more is sent than there were connections", () => requests > 5 * OPEN_MAX, 20_000);
  await sender.stdin.end();
  const count = FloodCount.parse(await new Response(sender.stdout).json());
  await sender.exited;
  expect(count.answered).toBeGreaterThan(4 * OPEN_MAX);
  expect(count.refused).toBe(count.answered);
});
