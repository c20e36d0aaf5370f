import { afterEach, expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { TrustedProxies } from "./http/trusted-proxies.ts";
import { type Listener, listen } from "./listen.ts";

let listener: Listener | undefined;
const arrived: string[] = [];
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
  arrived.length = 0;
});

/** Claims wait until their caller is gone, and say then that there was nothing; all else is answered. */
function start(proxies: readonly string[], hasPeers = false): string {
  listener = listen({
    host: "127.0.0.1",
    port: 0,
    proxies: new TrustedProxies(proxies),
    hasPeers,
    fetch: async (request, peers) => {
      const path = new URL(request.url).pathname;
      arrived.push(path);
      const body = await request.text();
      if (path === "/api/runner/claim")
        await new Promise<void>((resolve) => request.signal.addEventListener("abort", () => resolve()));
      return Response.json({ body, from: peers.requestIP(request)?.address });
    },
  });
  return listener.loopbackUrl;
}

test("who is turned away at the door does not wait, and reaches nothing", async () => {
  listener = listen({
    host: "127.0.0.1",
    port: 0,
    door: ({ headers }, path) => (headers.has("flood") ? new Response(path, { status: 429 }) : undefined),
    fetch: () => Response.json(arrived.push("let in")),
  });
  const at = `${listener.loopbackUrl}/api/runner/claim?wait=25s`;
  const refused = await post(at, "key", { flood: "yes" });
  expect([refused.status, await refused.text()]).toEqual([429, "/api/runner/claim"]);
  expect(arrived).toEqual([]);
  expect((await post(at, "key")).status).toBe(200);
  expect(arrived).toEqual(["let in"]);
});

const post = (url: string, body: string, headers = {}) => fetch(url, { method: "POST", body, headers });

test("a request that waits is answered when the server ends, with what it sent and where it came from", async () => {
  const url = start(["127.0.0.1"]);
  const waiting = post(`${url}/api/runner/claim`, "key", { "x-forwarded-for": "192.0.2.7" });
  await eventually("the claim waits", () => arrived.includes("/api/runner/claim"));
  await listener?.stop();
  const answer = await waiting;
  expect([answer.status, await answer.json()]).toEqual([200, { body: "key", from: "192.0.2.7" }]);
});

test("behind a proxy with other servers, one that ends is not ready, hangs up on who reads and answers git and who writes", async () => {
  const url = start(["127.0.0.1"], true);
  expect((await fetch(`${url}/api/v1/items`)).status).toBe(200);
  const stopped = listener?.stop();
  const [ready, read, git, written] = await Promise.all([
    fetch(`${url}/readyz`),
    fetch(`${url}/api/v1/items`).catch(() => "hung up"),
    fetch(`${url}/api/git-proxy/1/a/b.git/info/refs`),
    post(`${url}/api/v1/items`, "new"),
  ]);
  expect([ready.status, read, git.status]).toEqual([503, "hung up", 200]);
  expect([written.status, (await written.json()).body]).toEqual([200, "new"]);
  await stopped;
  expect(await fetch(url).catch(() => "refused")).toBe("refused");
});

for (const [why, proxies, hasPeers] of [
  ["without a proxy", [], true],
  ["without other servers", ["127.0.0.1"], false],
] as const)
  test(`${why} nobody is sent elsewhere: the port is closed at once, and what was asked is answered`, async () => {
    const url = start(proxies, hasPeers);
    const asked = post(`${url}/api/runner/claim`, "key");
    await eventually("it was asked", () => arrived.includes("/api/runner/claim"));
    const stopped = listener?.stop();
    expect(await fetch(`${url}/readyz`).catch(() => "refused")).toBe("refused");
    expect((await asked).status).toBe(200);
    await stopped;
    expect(arrived).toEqual(["/api/runner/claim"]);
  });
