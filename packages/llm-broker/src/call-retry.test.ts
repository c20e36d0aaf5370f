import { afterEach, describe, expect, test } from "bun:test";
import { ErrorBody } from "@windshift/contract/app-error.ts";
import {
  chunk,
  DONE_CHUNK,
  PROVIDER_KEY,
  QUESTION,
  startBroker,
  startProvider,
  targetOf,
  USAGE_CHUNK,
  writableStream,
} from "./llm-broker.fixture.ts";
import { RETRY_AFTER_MS_MAX, RETRY_MS } from "./llm-limits.ts";
import { retryDelayMs } from "./retry-delay.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}
const REPLY = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } };
const limits = { retriesMax: 2 };

/** Answers with each status once, then with a reply. */
function failing(statuses: readonly number[], headers: Record<string, string> = {}) {
  const left = [...statuses];
  return keep(
    startProvider(() => {
      const status = left.shift();
      return status === undefined
        ? Response.json(REPLY)
        : Response.json({ error: { message: "later" } }, { status, headers });
    }),
  );
}

describe("LB-12 tries", () => {
  test("again after what passes by itself, with one charge", async () => {
    for (const status of [408, 409, 429, 500, 502, 503, 529]) {
      const provider = failing([status, status]);
      const broker = keep(startBroker(provider.url, { limits }));
      expect((await broker.post(QUESTION)).status).toBe(200);
      expect(provider.seen).toHaveLength(3);
      expect(broker.usage).toMatchObject([
        { tries: 3, status: 200, usage: { inputTokens: 3, outputTokens: 4 } },
      ]);
      const [first = 0, second = 0] = broker.waits;
      expect(first).toBeGreaterThanOrEqual(RETRY_MS / 2);
      expect(second).toBeGreaterThanOrEqual(RETRY_MS);
      expect(second).toBeLessThanOrEqual(2 * RETRY_MS);
    }
  });

  test("not again after what stays wrong, and not without end", async () => {
    for (const status of [400, 401, 403, 404, 413, 422]) {
      const provider = failing([status]);
      const broker = keep(startBroker(provider.url, { limits }));
      expect((await broker.post(QUESTION)).status).not.toBe(200);
      expect(provider.seen).toHaveLength(1);
    }
    const down = failing(Array(9).fill(503));
    const broker = keep(startBroker(down.url, { limits }));
    expect((await broker.post(QUESTION)).status).toBe(503);
    expect(down.seen).toHaveLength(3);
    expect(broker.usage).toMatchObject([
      { tries: 3, status: 503, usage: { inputTokens: 0 }, estimated: false },
    ]);
  });

  test("waits as long as Retry-After says, or leaves a long wait to the agent", async () => {
    const short = failing([429], { "Retry-After": "3" });
    const patient = keep(startBroker(short.url, { limits }));
    expect((await patient.post(QUESTION)).status).toBe(200);
    expect(patient.waits).toEqual([3_000]);
    const long = failing([429], { "Retry-After": "60" });
    const broker = keep(startBroker(long.url, { limits }));
    const response = await broker.post(QUESTION);
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(broker.waits).toEqual([]);
  });

  test("not past the wait for a header", async () => {
    const provider = failing([503, 503], { "Retry-After": "9" });
    const broker = keep(startBroker(provider.url, { limits: { ...limits, headerMsMax: 8_000 } }));
    expect((await broker.post(QUESTION)).status).toBe(503);
    expect(provider.seen).toHaveLength(1);
  });

  test("again when the connection breaks before a header, never once a reply began", async () => {
    let calls = 0;
    const provider = keep(
      startProvider(() => {
        calls++;
        const stream = writableStream();
        stream.write(chunk("one"));
        stream.close();
        return stream.response();
      }),
    );
    const broken = keep(
      startBroker(provider.url, {
        limits,
        fetch: (url, init) => (calls++ === 0 ? Promise.reject(new Error("ECONNRESET")) : fetch(url, init)),
      }),
    );
    const text = await (await broken.post({ ...QUESTION, stream: true })).text();
    expect(text).toContain("upstream_failed");
    expect(provider.seen).toHaveLength(1);
    expect(broken.usage).toMatchObject([{ tries: 2, status: 502, estimated: true }]);
  });

  test("by a date or by seconds, with jitter of its own", () => {
    const nowMs = Date.parse("2026-01-01T00:00:00Z");
    expect(retryDelayMs(1, null, nowMs, 0)).toBe(RETRY_MS / 2);
    expect(retryDelayMs(2, null, nowMs, 1)).toBe(RETRY_MS * 2);
    expect(retryDelayMs(1, "Thu, 01 Jan 2026 00:00:04 GMT", nowMs, 0)).toBe(4_000);
    expect(retryDelayMs(1, "Wed, 31 Dec 2025 00:00:00 GMT", nowMs, 0)).toBe(RETRY_MS / 2);
    expect(retryDelayMs(1, "soon", nowMs, 0)).toBe(RETRY_MS / 2);
    expect(retryDelayMs(1, String(RETRY_AFTER_MS_MAX / 1_000 + 1), nowMs, 0)).toBeUndefined();
  });
});

describe("LB-20 fallbacks", () => {
  const other = (baseUrl: string) =>
    targetOf(baseUrl, {
      connectionId: 2,
      model: "other-1",
      contextWindow: 1_234,
      apiKey: "sk-of-the-second",
    });

  test("the next target answers when the one before failed, with its own model, key and window", async () => {
    const down = failing(Array(9).fill(503));
    const second = keep(startProvider(() => Response.json(REPLY)));
    const broker = keep(startBroker(down.url, { limits, fallbacks: [other(second.url)] }));
    const response = await broker.post(QUESTION);
    expect([response.status, response.headers.get("x-context-window")]).toEqual([200, "1234"]);
    expect(down.seen).toHaveLength(3);
    expect(JSON.parse(second.seen[0]?.body ?? "")).toEqual({ ...QUESTION, model: "other-1" });
    expect(second.seen[0]?.headers.get("authorization")).toBe("Bearer sk-of-the-second");
    expect(broker.usage).toMatchObject([
      { targetIndex: 1, target: { connectionId: 2, model: "other-1" }, tries: 4, status: 200 },
    ]);
    expect(JSON.stringify(down.seen)).not.toContain("sk-of-the-second");
  });

  test("also when it cannot be reached, or says nothing for half of the wait", async () => {
    const second = keep(startProvider(() => Response.json(REPLY)));
    const gone = startProvider(() => new Response());
    await gone.close();
    const mute = keep(startProvider(() => new Promise<Response>(() => {})));
    for (const first of [gone, mute]) {
      const broker = keep(
        startBroker(first.url, { limits: { headerMsMax: 300 }, fallbacks: [other(second.url)] }),
      );
      expect((await broker.post(QUESTION)).status).toBe(200);
      // What a mute provider may have made is charged, too.
      expect(broker.usage.map(({ targetIndex, estimated }) => [targetIndex, estimated])).toEqual(
        first === mute
          ? [
              [0, true],
              [1, false],
            ]
          : [[1, false]],
      );
    }
  });

  test("not when the request was at fault, the key is refused, or a reply began", async () => {
    const second = keep(startProvider(() => Response.json(REPLY)));
    for (const status of [400, 401, 404, 413]) {
      const broker = keep(startBroker(failing([status]).url, { fallbacks: [other(second.url)] }));
      expect((await broker.post(QUESTION)).status).not.toBe(200);
    }
    const cut = keep(
      startProvider(() => new Response(chunk("one"), { headers: { "Content-Type": "text/event-stream" } })),
    );
    const broker = keep(startBroker(cut.url, { limits, fallbacks: [other(second.url)] }));
    expect(await (await broker.post({ ...QUESTION, stream: true })).text()).toContain("upstream_failed");
    expect(second.seen).toEqual([]);
  });

  test("not over the budget, nor to a target that the request cannot go to", async () => {
    const second = keep(startProvider(() => Response.json(REPLY)));
    const down = failing(Array(9).fill(503));
    const asked: string[] = [];
    const broker = keep(
      startBroker(down.url, {
        fallbacks: [other(second.url)],
        budget: {
          reserve: async ({ model }) => {
            asked.push(model);
            return model === "other-1"
              ? { kind: "exhausted", message: "The budget of this run is used up; Ada can raise it." }
              : { kind: "granted", settle: () => {} };
          },
        },
      }),
    );
    const refused = await broker.post(QUESTION);
    expect(refused.status).toBe(402);
    expect(ErrorBody.parse(await refused.json()).error).toMatchObject({
      code: "budget_exhausted",
      message: "The budget of this run is used up; Ada can raise it.",
    });
    expect(asked).toEqual([broker.grant.targets[0].model, "other-1"]);

    const anthropic = keep(
      startBroker(down.url, { target: { provider: "anthropic" }, fallbacks: [other(second.url)] }),
    );
    const message = { max_tokens: 9, ...QUESTION };
    expect((await anthropic.post(message, { path: "/v1/messages" })).status).toBe(503);
    const sees = keep(startBroker(down.url, { target: { images: true }, fallbacks: [other(second.url)] }));
    const image_url = { url: "data:image/png;base64,AAAA" };
    const picture = { messages: [{ role: "user", content: [{ type: "image_url", image_url }] }] };
    expect((await sees.post(picture)).status).toBe(503);
    expect(second.seen).toEqual([]);
  });

  test("keys are opened for the target that is called, and no other", async () => {
    const first = keep(startProvider(() => Response.json(REPLY)));
    let opened = 0;
    const spare = {
      ...other(first.url),
      open: async () => ({ baseUrl: first.url, apiKey: String(opened++) }),
    };
    const broker = keep(startBroker(first.url, { fallbacks: [spare] }));
    expect((await broker.post(QUESTION)).status).toBe(200);
    expect(opened).toBe(0);
  });
});

test("a stream that ends with its mark is whole although its connection stays open", async () => {
  const stream = writableStream();
  const provider = keep(startProvider(() => stream.response()));
  const broker = keep(startBroker(provider.url, { limits: { drainMsMax: 30 } }));
  stream.write(chunk("one") + USAGE_CHUNK + DONE_CHUNK);
  const text = await (await broker.post({ ...QUESTION, stream: true })).text();
  expect(text).toBe(chunk("one") + USAGE_CHUNK + DONE_CHUNK);
  expect(broker.usage).toMatchObject([{ status: 200, estimated: false }]);
  expect(JSON.stringify(broker.usage)).not.toContain(PROVIDER_KEY);
});
