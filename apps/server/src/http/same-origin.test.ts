import { describe, expect, test } from "bun:test";
import { requireJson, requireSameOrigin } from "./same-origin.ts";

const BASE = "https://wind.example.org";

function request(method: string, headers: Record<string, string>): Request {
  return new Request(`${BASE}/api/v1/workspaces`, {
    method,
    headers: { host: "wind.example.org", ...headers },
  });
}
function admits(
  method: string,
  headers: Record<string, string>,
  session: "session" | "no session" = "session",
): boolean {
  try {
    requireSameOrigin(request(method, headers), BASE, session);
    return true;
  } catch {
    return false;
  }
}

describe("WB-06 a request with a session", () => {
  test("is taken from our own pages", () => {
    expect(admits("POST", { origin: BASE })).toBe(true);
    expect(admits("POST", { "sec-fetch-site": "same-origin" })).toBe(true);
    expect(admits("GET", {})).toBe(true);
    expect(admits("GET", { "sec-fetch-site": "none" })).toBe(true);
  });
  test("is refused from another site, a sibling and an unknown place", () => {
    expect(admits("POST", { origin: "https://evil.example" })).toBe(false);
    expect(admits("POST", { origin: "null" })).toBe(false);
    expect(admits("POST", { origin: BASE, "sec-fetch-site": "cross-site" })).toBe(false);
    expect(admits("POST", { "sec-fetch-site": "same-site" })).toBe(false);
    expect(admits("POST", { "sec-fetch-site": "none" })).toBe(false);
    expect(admits("POST", {})).toBe(false);
    expect(admits("GET", { "sec-fetch-site": "cross-site" })).toBe(false);
    expect(admits("GET", { origin: "https://evil.example" })).toBe(false);
  });
  test("may come to the loopback address, but not to a name that resolves to it", () => {
    expect(admits("POST", { host: "127.0.0.1:8080", origin: "http://127.0.0.1:8080" })).toBe(true);
    expect(admits("POST", { host: "127.0.0.1:8080", origin: "http://127.0.0.1:9090" })).toBe(false);
    expect(admits("POST", { host: "evil.example:8080", origin: "http://evil.example:8080" })).toBe(false);
  });
  test("that is not there yet may be asked for by programs, but not by another site", () => {
    expect(admits("POST", {}, "no session")).toBe(true);
    expect(admits("POST", { origin: "https://evil.example" }, "no session")).toBe(false);
  });
  test("is refused when its body is what a form can send", () => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "application/jsonp",
    ])
      expect(() => requireJson(request("POST", { "content-type": type }))).toThrow("Content-Type");
    expect(() => requireJson(request("POST", {}))).toThrow("Content-Type");
    expect(() =>
      requireJson(request("POST", { "content-type": "application/json; charset=utf-8" })),
    ).not.toThrow();
  });
});
