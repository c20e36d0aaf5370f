import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { createToken } from "@windshift/contract/tokens.ts";
import { z } from "zod";
import { MODEL, QUESTION, startBroker, startProvider } from "./llm-broker.fixture.ts";
import { LLM_WIRES } from "./llm-wire.ts";

/** A request that each route takes. A route without one here fails below: it must pass the guards like the others. */
const BODIES: Readonly<Record<string, Record<string, unknown>>> = {
  "/v1/chat/completions": QUESTION,
  "/v1/messages": { ...QUESTION, max_tokens: 10 },
};
/** The same route by the other paths that end in it; none may be a way around. */
const ALIASES = ["", "/api/llm-proxy", "/api/llm-proxy/v1", "/x/../api", "/api/llm-proxy/http://evil.test"];

const provider = startProvider(() => Response.json({ choices: [] }));
afterAll(() => provider.close());
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  provider.seen.length = 0;
});
function start(options: Parameters<typeof startBroker>[1] = {}) {
  const broker = startBroker(provider.url, {
    ...options,
    target: { provider: "anthropic", ...options.target },
  });
  open.push(broker);
  return broker;
}

const Refusal = z.object({ error: z.object({ code: z.string() }) });
async function refusal(response: Response): Promise<[number, string]> {
  return [response.status, Refusal.parse(await response.json()).error.code];
}

for (const wire of LLM_WIRES) {
  describe(`LB-17 ${wire.path} by all of its paths`, () => {
    const body = BODIES[wire.path];
    const paths = ALIASES.map((alias) => alias + wire.path);

    test("answers a good request, with its token and no other", async () => {
      expect(body).toBeDefined();
      const broker = start();
      for (const path of paths) {
        expect((await broker.post(body, { path })).status).toBe(200);
        for (const Authorization of ["", "Bearer x", `Bearer ${createToken("run")}`]) {
          const refused = await broker.post(body, { path, headers: { Authorization } });
          expect(await refusal(refused)).toEqual([401, "unauthenticated"]);
        }
      }
      expect(provider.seen).toHaveLength(paths.length);
      expect(new Set(provider.seen.map(({ url }) => url))).toEqual(new Set([provider.url + wire.path]));
    });

    test("refuses a run that is over", async () => {
      const over = start({ live: () => false });
      const ended = start();
      ended.endRun.abort();
      for (const path of paths) {
        expect(await refusal(await over.post(body, { path }))).toEqual([403, "run_ended"]);
        expect(await refusal(await ended.post(body, { path }))).toEqual([403, "run_ended"]);
      }
      expect(provider.seen).toEqual([]);
    });

    test("refuses another model, an unknown field, a hostile body, a long one and a packed one", async () => {
      const broker = start({ limits: { bodyBytesMax: 10_000 } });
      const bad: [unknown, Record<string, string>, number, string][] = [
        [{ ...body, model: `${MODEL}-large` }, {}, 403, "forbidden"],
        [{ ...body, base_url: "http://evil.test" }, {}, 400, "invalid_input"],
        [{ ...body, metadata: { a: "b" } }, {}, 400, "invalid_input"],
        [`{"messages":${"[".repeat(200)}`, {}, 400, "invalid_input"],
        [{ ...body, messages: [{ role: "user", content: "x".repeat(10_000) }] }, {}, 413, "too_large"],
        [body, { "Content-Encoding": "gzip" }, 415, "unsupported"],
      ];
      for (const path of paths) {
        for (const [given, headers, status, code] of bad) {
          expect(await refusal(await broker.post(given, { path, headers }))).toEqual([status, code]);
        }
        const get = await fetch(broker.url + path, { headers: { Authorization: `Bearer ${broker.token}` } });
        expect(await refusal(get)).toEqual([404, "not_found"]);
      }
      expect(provider.seen).toEqual([]);
    });

    test("asks the budget first, holds the run to its calls and writes down what it used", async () => {
      const short = start({
        budget: { reserve: async () => ({ kind: "exhausted", message: "It is used up." }) },
      });
      for (const path of paths) {
        expect(await refusal(await short.post(body, { path }))).toEqual([402, "budget_exhausted"]);
      }
      const none = start({ limits: { callsPerRunMax: 0, queuedCallsPerRunMax: 0 } });
      for (const path of paths) {
        expect(await refusal(await none.post(body, { path }))).toEqual([429, "rate_limited"]);
      }
      expect(provider.seen).toEqual([]);
      const broker = start();
      for (const path of paths) await broker.post(body, { path });
      expect(broker.usage.map(({ status }) => status)).toEqual(paths.map(() => 200));
    });
  });
}

test("LB-17 every wire of the source tree is a route, so none goes by without these tests", async () => {
  const found: unknown[] = [];
  for (const file of readdirSync(import.meta.dir).filter((name) => name.endsWith("-wire.ts"))) {
    const module: Record<string, unknown> = await import(`./${file}`);
    found.push(...Object.values(module).filter((value) => isWire(value)));
  }
  expect(new Set(found)).toEqual(new Set(LLM_WIRES));
  expect(LLM_WIRES.map(({ path }) => path).sort()).toEqual(Object.keys(BODIES).sort());
});

function isWire(value: unknown): boolean {
  return typeof value === "object" && value !== null && "authorize" in value && "credential" in value;
}
