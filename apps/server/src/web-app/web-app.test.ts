import { afterAll, beforeAll, expect, test } from "bun:test";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

/** Page, scripts and styles, compressed quickly; answers of the API come on top. bench/web-transcript measures whole loads. */
const FIRST_BYTES_MAX = [
  ["/login", 220_000],
  ["/items/DEMO-1", 285_000],
] as const;

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(server.url + path, { headers, redirect: "manual", decompress: false });
/** The script that a page begins with. */
const scriptOf = async () =>
  /src="(\/assets\/main-[^"]+\.js)"/.exec(await (await get("/login")).text())?.[1] ?? "";

test("WB-22 each page has a policy of its own: scripts of this server, styles too or with a word nobody can guess", async () => {
  const nonces = new Set<string>();
  for (const path of ["/", "/login", "/setup", "/w/DEMO/board", "/items/DEMO-1", "/admin/users"]) {
    const page = await get(path);
    expect([path, page.status, page.headers.get("cache-control")]).toEqual([path, 200, "no-store"]);
    const policy = page.headers.get("content-security-policy") ?? "";
    const nonce = /style-src 'self' 'nonce-([\w+/=]{24})'/.exec(policy)?.[1] ?? "";
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain("unsafe");
    expect(policy).toContain(
      "default-src 'self'; img-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    );
    const text = await page.text();
    expect(text).toContain(`<meta name="style-nonce" content="${nonce}" />`);
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style|__[A-Z_]+__| on\w+=/);
    nonces.add(nonce);
  }
  expect(nonces.size).toBe(6);
});

test("files come compressed as the browser takes them, and are kept for good when their name says what is in them", async () => {
  const script = await scriptOf();
  const sizes: number[] = [];
  for (const [accepted, encoding] of [
    ["", null],
    ["gzip", "gzip"],
    ["gzip, br", "br"],
  ] as const) {
    const file = await get(script, { "accept-encoding": accepted });
    expect([file.status, file.headers.get("content-encoding")]).toEqual([200, encoding]);
    expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(file.headers.get("content-type")).toStartWith("text/javascript");
    sizes.push((await file.arrayBuffer()).byteLength);
  }
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  const icon = await get("/assets/icon.svg");
  expect(icon.headers.get("cache-control")).toBe("no-cache");
  const again = await get("/assets/icon.svg", { "if-none-match": icon.headers.get("etag") ?? "" });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});

test("what is no file of the app is not found, and nothing beside it can be reached", async () => {
  for (const path of [
    "/assets/",
    "/assets/none.js",
    "/assets/index.html",
    "/assets/..%2findex.html",
    "/assets/%2e%2e/package.json",
  ])
    expect([path, (await get(path)).status]).toEqual([path, 404]);
});

test("where nothing is, a person gets a page that says so and a program gets an error", async () => {
  const page = await get("/nowhere/at/all", { accept: "text/html,*/*" });
  expect([page.status, page.headers.get("content-type")]).toEqual([404, "text/html; charset=utf-8"]);
  for (const [path, accept] of [
    ["/nowhere", "*/*"],
    ["/api/v1/nothing", "text/html"],
  ] as const) {
    const error = await get(path, { accept });
    expect([error.status, error.headers.get("content-type")]).toEqual([
      404,
      "application/json;charset=utf-8",
    ]);
  }
});

test("what a page begins with leaves it room within 300 KB of first load", async () => {
  for (const [path, bytesMax] of FIRST_BYTES_MAX) {
    const page = await (await get(path)).text();
    const files = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? "");
    let bytes = Buffer.byteLength(page);
    for (const file of files)
      bytes += (await (await get(file, { "accept-encoding": "br" })).arrayBuffer()).byteLength;
    expect(files.length).toBeGreaterThan(4);
    expect(bytes).toBeLessThan(bytesMax);
  }
});
