import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { LLMock } from "@copilotkit/aimock";
import { ErrorBody } from "@windshift/contract/app-error.ts";
import { createToken } from "@windshift/contract/tokens.ts";
import {
  type BrokerFixture,
  chunk,
  DONE_CHUNK,
  MODEL,
  PROVIDER_KEY,
  QUESTION,
  startBroker,
  startProvider,
  USAGE_CHUNK,
} from "./llm-broker.fixture.ts";

const REPLY = {
  content: "Hi there, general.",
  usage: { prompt_tokens: 21, completion_tokens: 9, total_tokens: 30 },
};

describe("with a provider that takes its own key only", () => {
  // The provider answers 401 to any other credential, the run's token included.
  const provider = new LLMock({ port: 0, auth: { apiKeys: [PROVIDER_KEY] } });
  let broker: BrokerFixture;
  beforeAll(async () => {
    provider.onMessage("hello", REPLY);
    await provider.start();
  });
  afterAll(() => provider.stop());
  beforeEach(() => {
    provider.clearRequests();
    broker = startBroker(provider.url);
  });
  afterEach(() => broker.close());

  test("swaps the run's token for the provider's key and passes the reply on", async () => {
    const response = await broker.post({ ...QUESTION, model: MODEL });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-context-window")).toBe("65536");
    expect(await response.json()).toMatchObject({ choices: [{ message: { content: REPLY.content } }] });
    expect(provider.getLastRequest()?.path).toBe("/v1/chat/completions");
    expect(JSON.stringify(provider.getRequests())).not.toContain(broker.token);
  });

  test("records what the provider counted", async () => {
    await (await broker.post(QUESTION)).text();
    expect(broker.usage).toEqual([
      {
        runId: broker.grant.runId,
        attempt: broker.grant.attempt,
        target: broker.grant.targets[0],
        targetIndex: 0,
        tries: 1,
        usage: { inputTokens: 21, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 9 },
        estimated: false,
        status: 200,
        durationMs: expect.any(Number),
      },
    ]);
  });

  test("streams a reply and records its usage, though the agent did not ask for it", async () => {
    const response = await broker.post({
      ...QUESTION,
      stream: true,
      stream_options: { include_usage: false },
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const text = await response.text();
    expect(contentOf(text)).toBe(REPLY.content);
    expect(text).toEndWith("data: [DONE]\n\n");
    expect(broker.usage).toMatchObject([
      { usage: { inputTokens: 21, outputTokens: 9 }, estimated: false, status: 200 },
    ]);
  });

  test("sends the run's model when the agent names none", async () => {
    await (await broker.post(QUESTION)).text();
    expect(provider.getLastRequest()?.body).toMatchObject({ model: MODEL });
  });

  test("answers 502 when the provider refuses the key, so the agent does not doubt its token", async () => {
    const wrong = startBroker(provider.url, { apiKey: "sk-an-old-key-that-was-rotated" });
    try {
      const response = await wrong.post(QUESTION);
      expect(response.status).toBe(502);
      const { error } = ErrorBody.parse(await response.json());
      expect(error.code).toBe("upstream_failed");
      expect(error.message).toContain("an admin must check");
      expect(wrong.usage).toMatchObject([{ usage: { inputTokens: 0, outputTokens: 0 }, status: 502 }]);
    } finally {
      await wrong.close();
    }
  });
});

describe("who may call", () => {
  const provider = startProvider(() => Response.json({ choices: [] }));
  afterAll(() => provider.close());
  const refused = async (broker: BrokerFixture, init: Parameters<BrokerFixture["post"]>[1]) => {
    const before = provider.seen.length;
    const response = await broker.post(QUESTION, init);
    const { error } = ErrorBody.parse(await response.json());
    expect(provider.seen.length).toBe(before);
    expect(broker.usage).toEqual([]);
    return { status: response.status, code: error.code };
  };

  test("LB-07 answers 401 to every credential that is not the run's token", async () => {
    const broker = startBroker(provider.url);
    const credentials = [
      "",
      "Bearer",
      `Basic ${btoa(`x:${broker.token}`)}`,
      broker.token,
      `Bearer ${createToken("run")}`,
      `Bearer ${createToken("person")}`,
      `Bearer ${PROVIDER_KEY}`,
      `Bearer ${broker.token}x`,
      `Bearer ${broker.token}, Bearer ${broker.token}`,
      "Bearer wsrun_' OR 1=1 --",
      `Bearer wsrun_${"a".repeat(8_000)}`,
    ];
    for (const Authorization of credentials) {
      expect(await refused(broker, { headers: { Authorization } })).toEqual({
        status: 401,
        code: "unauthenticated",
      });
    }
    await broker.close();
  });

  test("answers 403 run_ended when the attempt is over", async () => {
    const over = startBroker(provider.url, { live: () => false });
    expect(await refused(over, {})).toEqual({ status: 403, code: "run_ended" });
    await over.close();
    const fenced = startBroker(provider.url);
    fenced.endRun.abort();
    expect(await refused(fenced, {})).toEqual({ status: 403, code: "run_ended" });
    await fenced.close();
  });

  test("LB-17 every route but the two is 404, with a good token too", async () => {
    const broker = startBroker(provider.url);
    const paths = [
      "/api/llm-proxy/v1/completions",
      "/api/llm-proxy/v1/responses",
      "/api/llm-proxy/v1/models",
      "/api/llm-proxy/v1/messages/count_tokens",
      "/api/llm-proxy/v1/messages/batches",
      "/api/llm-proxy/v1/complete",
      "/api/llm-proxy/v1/chat/completions/",
      "/api/llm-proxy/v1/engines/x/completions",
      "/api/llm-proxy/v1/files",
      "/api/llm-proxy/v1/chat/completions%2f..%2ffiles",
    ];
    for (const path of paths)
      expect(await refused(broker, { path })).toEqual({ status: 404, code: "not_found" });
    const get = await fetch(`${broker.url}/v1/chat/completions`, {
      headers: { Authorization: `Bearer ${broker.token}` },
    });
    expect(get.status).toBe(404);
    await broker.close();
  });
});

test("reaches the same address for a root, a root with a slash and one with /v1", async () => {
  const provider = startProvider(
    () =>
      new Response(chunk("a") + USAGE_CHUNK + DONE_CHUNK, {
        headers: { "Content-Type": "text/event-stream" },
      }),
  );
  for (const suffix of ["", "/", "/v1", "/v1/", "/openai"]) {
    const broker = startBroker(provider.url + suffix);
    expect((await broker.post({ ...QUESTION, stream: true })).status).toBe(200);
    await broker.close();
  }
  expect(provider.seen.map((request) => new URL(request.url).pathname)).toEqual([
    ...Array(4).fill("/v1/chat/completions"),
    "/openai/v1/chat/completions",
  ]);
  await provider.close();
});

function contentOf(stream: string): string {
  const chunks = stream.split("\n").filter((line) => line.startsWith("data: {"));
  return chunks
    .map((line) => JSON.parse(line.slice("data: ".length)).choices[0]?.delta?.content ?? "")
    .join("");
}
