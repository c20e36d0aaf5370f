import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { buildVersion } from "@windshift/base/build-version.ts";
import { z } from "zod";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

const SECRET = `wsrun_${"s".repeat(43)}`;
let server: TestServer;
let admin: TestClient;

beforeAll(async () => {
  server = await startTestServer({
    baseUrl: "https://wind.example",
    addRoutes: (table) => {
      table.mount(["GET"], "/api/v1/fails", "public", () => {
        throw new Error(`connect to https://bob:hunter22@db.example failed with ${SECRET}`);
      });
      table.mount(["GET"], "/api/v1/odd-row", "public", () => {
        z.object({ kind: z.enum(["one", "two"]) }).parse({ kind: "three" });
        return new Response();
      });
    },
  });
  admin = await server.setUp().catch(() => server.stranger());
});
afterAll(() => server.close());

describe("every answer", () => {
  test("WB-22 carries the security headers and no version", async () => {
    for (const path of [
      "/api/v1/me",
      "/api/version",
      "/api/v1/fails",
      "/nowhere",
      "/healthz",
      "/api/git-proxy/a/b/info/refs",
    ]) {
      const { headers } = await server.stranger().get(path);
      const policy = headers.get("content-security-policy") ?? "";
      for (const rule of [
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "img-src 'self'",
      ])
        expect(policy.split("; ")).toContain(rule);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("strict-transport-security")).toMatch(/^max-age=31536000/);
      expect(headers.get("server")).toBeNull();
      expect(headers.get("x-powered-by")).toBeNull();
      expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test("WB-24 to a row that does not fit says nothing of it, and is no fault of who asked", async () => {
    const reply = await server.stranger().get<{ error: { code: string } }>("/api/v1/odd-row");
    expect([reply.status, reply.body.error.code]).toEqual([500, "internal"]);
    expect(reply.text).not.toContain("kind");
    const id = reply.headers.get("x-request-id") ?? "none";
    expect(server.logLines.some((line) => line.includes(id) && line.includes("kind"))).toBe(true);
  });

  test("WB-24 to a fault of ours names an id and nothing else; the log has the cause without its secrets", async () => {
    const reply = await server.stranger().get<{ error: { code: string; message: string } }>("/api/v1/fails");
    expect(reply.status).toBe(500);
    expect(reply.body.error.code).toBe("internal");
    for (const text of ["hunter22", SECRET, "db.example", "app.test"]) expect(reply.text).not.toContain(text);
    const id = reply.headers.get("x-request-id") ?? "none";
    expect(reply.text).toContain(id);
    const line = server.logLines.find((l) => l.includes(id) && l.includes("a request failed")) ?? "";
    expect(line).toContain("db.example");
    for (const text of ["hunter22", SECRET]) expect(line).not.toContain(text);
  });

  test("is JSON with a code, also where there is nothing", async () => {
    const reply = await server.stranger().get<{ error: { code: string } }>("/api/v1/nothing-here");
    expect([reply.status, reply.body.error.code]).toEqual([404, "not_found"]);
  });
});

test("the status routes answer anybody", async () => {
  const stranger = server.stranger();
  expect((await stranger.get("/healthz")).body).toEqual({ status: "ok" });
  expect((await stranger.get("/readyz")).body).toEqual({ status: "ready" });
  expect((await stranger.get("/api/version")).body).toEqual({ name: "windshift", version: buildVersion });
});

test("the API document describes every documented route", async () => {
  const { body } = await server.stranger().get<{ paths: Record<string, object> }>("/api/openapi.json");
  const missing = server.table.entries.filter(
    (entry) => entry.path.includes("{") && !(entry.path in body.paths),
  );
  expect(missing).toEqual([]);
  expect(Object.keys(body.paths)).toContain("/api/v1/items/{item}/comments");
});

test("bad input is answered with every field that is wrong", async () => {
  const reply = await admin.post<{ error: { code: string; details: { path: string }[] } }>("/api/v1/setup", {
    name: "",
    email: "nobody",
    password: "short",
  });
  expect(reply.status).toBe(400);
  expect(reply.body.error.code).toBe("invalid_input");
  expect(reply.body.error.details.map((d) => d.path).sort()).toEqual(["email", "name", "password"]);
});

test("WB-06 set-up is not started from another site's page", async () => {
  const person = { name: "Eve", email: "eve@example.test", password: "correct horse battery" };
  const body = JSON.stringify(person);
  const stranger = server.stranger();
  for (const headers of [
    { origin: "https://evil.example" },
    { origin: "", "sec-fetch-site": "cross-site" },
    { "content-type": "text/plain", origin: "" },
    { "content-type": "application/x-www-form-urlencoded", origin: "" },
  ] as Record<string, string>[])
    expect((await stranger.send("POST", "/api/v1/setup", body, headers)).status).toBeOneOf([403, 415]);
});
