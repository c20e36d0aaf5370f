import { expect, test } from "bun:test";
import { failureInReply, failureOf, noAnswer } from "./model-failure.ts";

const NOW_MS = Date.parse("2026-01-02T03:04:05Z");
const failed = (status: number, body: unknown = "", headers: Record<string, string> = {}) =>
  failureOf(status, typeof body === "string" ? body : JSON.stringify(body), new Headers(headers), NOW_MS);

test("what may pass is tried again, what will not is final", () => {
  for (const status of [408, 409, 425, 429, 500, 502, 503, 504, 520, 529])
    expect({ status, retry: failed(status).retry }).toEqual({ status, retry: true });
  for (const status of [301, 302, 307, 400, 401, 402, 403, 404, 405, 410, 415, 451])
    expect({ status, retry: failed(status).retry }).toEqual({ status, retry: false });
  for (const status of [429, 503, 529]) expect(failed(status).busy).toBe(true);
});

test("the broker's typed codes decide before the status does; a conflict is the provider's own 409", () => {
  for (const [status, code, retry] of [
    [409, "lease_lost", false],
    [409, "conflict", true],
    [402, "budget_exhausted", false],
    [403, "run_ended", false],
    [401, "unauthenticated", false],
    [429, "rate_limited", true],
    [502, "upstream_failed", true],
    [500, "internal", true],
    [429, "insufficient_quota", false],
  ] as const)
    expect({ code, retry: failed(status, { error: { code, message: "m" } }).retry }).toEqual({ code, retry });
});

test("a server that is away is told from a provider that fails: by our word, or by a proxy that names no code", () => {
  for (const status of [502, 503, 504])
    expect(failed(status, "<html><title>nginx</title></html>").away).toBe(true);
  expect(failed(503, { error: { code: "unavailable", message: "m" } }).away).toBe(true);
  expect(noAnswer("http://model", Object.assign(new Error(), { code: "ECONNREFUSED" })).away).toBe(true);
  for (const [status, code] of [
    [502, "upstream_failed"],
    [503, "overloaded"],
    [504, "timed_out"],
  ] as const)
    expect([code, failed(status, { error: { code, message: "m" } }).away]).toEqual([code, undefined]);
  for (const status of [429, 500, 529]) expect([status, failed(status).away]).toEqual([status, undefined]);
  expect(
    failureInReply({ code: undefined, type: undefined, status: 502, message: "m" }).away,
  ).toBeUndefined();
});

test("a final answer says what to check", () => {
  expect(failed(401).message).toContain("LLM_API_KEY");
  expect(failed(402).message).toContain("budget");
  expect(failed(404, { error: { message: "no model x" } }).message).toContain("no model x (check LLM_MODEL");
  expect(failed(307).message).toContain("LLM_BASE_URL to the final address");
});

test("the server's words are found in every shape of answer", () => {
  for (const body of [
    { error: { message: "the words", code: 400 } },
    [{ error: { message: "the words", code: 400, status: "INVALID_ARGUMENT" } }],
    { error: "the words" },
    { object: "error", message: "the words", type: "BadRequestError", code: 400 },
    { message: "the words" },
    { detail: "the words" },
    { detail: [{ loc: ["body"], msg: "the words" }] },
    { error: { message: "Provider returned error", metadata: { raw: "the words" } } },
    "the words",
    "<html><head><title>the words</title></head></html>",
    { unknown: { shape: "the words" } },
  ])
    expect(failed(400, body).message).toContain("the words");
  expect(failed(502, "<html><body>a long page</body></html>").message).toEndWith("502: an HTML page");
  expect(failed(500).message).toEndWith("500: (no text)");
  expect(failed(500, "x".repeat(100_000)).message.length).toBeLessThan(1_200);
});

test("Retry-After is taken as seconds, date or milliseconds, and never waits longer than two minutes", () => {
  const waitOf = (headers: Record<string, string>) => failed(429, "", headers).retryAfterMs;
  expect(waitOf({})).toBe(0);
  expect(waitOf({ "retry-after": "7" })).toBe(7_000);
  expect(waitOf({ "retry-after": "1.5" })).toBe(1_500);
  expect(waitOf({ "retry-after": "Fri, 02 Jan 2026 03:04:15 GMT" })).toBe(10_000);
  expect(waitOf({ "retry-after": "Fri, 02 Jan 2026 03:00:00 GMT" })).toBe(0);
  expect(waitOf({ "retry-after-ms": "250", "retry-after": "7" })).toBe(250);
  expect(waitOf({ "retry-after": "86400" })).toBe(120_000);
  expect(waitOf({ "retry-after": "9".repeat(400) })).toBe(120_000);
  for (const odd of ["soon", "-5", "1e3x", "NaN"]) expect(waitOf({ "retry-after": odd })).toBe(0);
});
