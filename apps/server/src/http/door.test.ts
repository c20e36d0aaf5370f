import { expect, test } from "bun:test";
import { AppError } from "@windshift/contract/app-error.ts";
import { type AppOptions, createApp } from "./app.ts";

const ERROR = new AppError("rate_limited", "slower", { retryAfterS: 1 });

test("who is turned away is told why with all that every answer has, is counted, and reaches no route", async () => {
  const seen: object[] = [];
  const table = createApp({
    baseUrl: "https://wind.example",
    version: "1.0.0",
    log: { isLevelEnabled: () => false },
    doorkeeper: (request: Request, path: string) =>
      request.headers.has("flood") ? { error: ERROR, route: `${path}*` } : undefined,
    answered: ({ ms: _, ...answer }: { ms: number }) => seen.push(answer),
  } as unknown as AppOptions);
  const ask = (headers: Record<string, string>) =>
    table.fetch(new Request("http://a.test/healthz", { headers }), { requestIP: () => null });
  const ids = new Set<string | null>();
  for (let at = 0; at < 2; at++) {
    const reply = await ask({ flood: "yes" });
    expect([reply.status, await reply.json()]).toEqual([
      429,
      { error: { code: "rate_limited", message: "slower", type: "windshift_error" } },
    ]);
    expect(reply.headers.toJSON()).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-store",
      "retry-after": "1",
      "x-content-type-options": "nosniff",
      "strict-transport-security": expect.stringMatching(/^max-age/),
    });
    ids.add(reply.headers.get("x-request-id"));
  }
  expect(ids.size).toBe(2);
  expect(seen).toEqual([1, 2].map(() => ({ method: "GET", route: "/healthz*", status: 429 })));
  expect((await ask({})).status).toBe(200);
});
