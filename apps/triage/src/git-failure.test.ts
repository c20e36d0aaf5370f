import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { git } from "@windshift/base/git.ts";
import { talkFailed } from "./git-failure.ts";

/** What git itself says of each far end. */
async function askedAt(url: string) {
  const result = await git(["ls-remote", url], { timeoutMs: 30_000, protocols: "http" });
  expect(result.exitCode).not.toBe(0);
  return talkFailed("prepare_failed", "not fetched", result);
}

test("F30 a far end that nobody answers at, or that breaks off, may be tried again", async () => {
  const breaking = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => breaking.listen(0, "127.0.0.1", resolve));
  const address = breaking.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const url = `http://127.0.0.1:${port}/a.git`;
  expect((await askedAt(url)).unreachable).toBe(true);
  await new Promise((resolve) => breaking.close(resolve));
  expect((await askedAt(url)).unreachable).toBe(true);
});

/** What becomes of an answer with this status and sentence. */
async function answered(status: number, sentence: string) {
  const headers = { "content-type": "text/plain" };
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(`${sentence}\n`, { status, headers }),
  });
  const { unreachable, busy } = await askedAt(`http://127.0.0.1:${server.port}/a.git`);
  return { unreachable, busy };
}

test("F30 one that answered with a refusal is not asked again", async () => {
  for (const status of [401, 403, 404])
    expect(await answered(status, "no")).toEqual({ unreachable: undefined, busy: undefined });
  const told = "The stored credential was not accepted (forge.test, HTTP 401).";
  expect(await answered(502, told)).toEqual({ unreachable: undefined, busy: undefined });
});

test("F30 one that answered that it has too much to do may be asked again", async () => {
  for (const status of [429, 500, 502, 503])
    expect(await answered(status, "later")).toEqual({ unreachable: undefined, busy: true });
  const told = "The repository's host failed; try again later (forge.test, HTTP 503).";
  expect(await answered(502, told)).toEqual({ unreachable: undefined, busy: true });
});
