import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { LLMock } from "@copilotkit/aimock";
import { eventually } from "@windshift/testing/eventually.ts";
import OpenAI from "openai";
import { type BrokerFixture, MODEL, PROVIDER_KEY, startBroker } from "./llm-broker.fixture.ts";

const WORDS = "It has three files and one of them is long.";
const provider = new LLMock({ port: 0, auth: { apiKeys: [PROVIDER_KEY] }, chunkSize: 8 });
beforeAll(async () => {
  provider.onMessage("hello", { content: WORDS });
  provider.onMessage("read a", { toolCalls: [{ name: "read", arguments: '{"path":"a"}' }] });
  provider.onMessage("too fast", { error: { message: "slow down", type: "rate_limit" }, status: 429 });
  provider.on({ userMessage: "cut" }, { content: WORDS }, { truncateAfterChunks: 2 });
  provider.on({ userMessage: "slow" }, { content: WORDS }, { latency: 60_000 });
  await provider.start();
});
afterAll(() => provider.stop());
let broker: BrokerFixture;
afterEach(() => broker.close());

describe("the openai package", () => {
  let client: OpenAI;
  const messages = (content: string) => [{ role: "user" as const, content }];
  beforeEach(() => {
    broker = startBroker(provider.url);
    client = new OpenAI({ baseURL: `${broker.url}/api/llm-proxy/v1`, apiKey: broker.token, maxRetries: 0 });
  });

  test("reads a reply, a stream and its token counts", async () => {
    const reply = await client.chat.completions.create({ model: MODEL, messages: messages("hello") });
    expect(reply.choices[0]?.message.content).toBe(WORDS);
    const stream = client.chat.completions.stream({ model: MODEL, messages: messages("hello") });
    expect(await stream.finalContent()).toBe(WORDS);
    await eventually("both are recorded", () => broker.usage.length === 2);
    for (const entry of broker.usage) expect(entry).toMatchObject({ status: 200, estimated: false });
    expect(broker.usage[1]?.usage.outputTokens).toBeGreaterThan(0);
  });

  test("gets calls of its tools, at once and streamed", async () => {
    const tools = [
      {
        type: "function" as const,
        function: { name: "read", parameters: { type: "object", properties: {} } },
      },
    ];
    const request = { model: MODEL, messages: messages("read a"), tools };
    const reply = await client.chat.completions.create(request);
    expect(reply.choices[0]?.message.tool_calls).toMatchObject([
      { function: { name: "read", arguments: '{"path":"a"}' } },
    ]);
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    expect(streamed.choices[0]?.message.tool_calls).toMatchObject([
      { function: { name: "read", arguments: '{"path":"a"}' } },
    ]);
  });

  test("sees errors as its own classes, with our code", async () => {
    const call = (content: string, more = {}) =>
      client.chat.completions.create({ model: MODEL, messages: messages(content), ...more });
    expect(await failure(call("too fast"))).toMatchObject({
      name: OpenAI.RateLimitError.name,
      code: "rate_limited",
    });
    expect(await failure(call("hello", { model: "another" }))).toMatchObject({
      name: OpenAI.PermissionDeniedError.name,
      code: "forbidden",
    });
    expect(await failure(call("hello", { store: true }))).toMatchObject({
      name: OpenAI.BadRequestError.name,
      code: "invalid_input",
    });
    broker.endRun.abort();
    expect(await failure(call("hello"))).toMatchObject({ code: "run_ended" });
  });

  test("fails on a stream that was cut, and leaves nothing open when it aborts one", async () => {
    const cut = client.chat.completions.stream({ model: MODEL, messages: messages("cut") });
    expect(await failure(cut.finalContent())).toMatchObject({ code: "upstream_failed" });
    provider.clearRequests();
    const slow = client.chat.completions.stream({ model: MODEL, messages: messages("slow") });
    const ended = failure(slow.finalContent());
    await eventually("the provider is called", () => provider.getRequests().length === 1);
    slow.abort();
    expect(await ended).toMatchObject({ name: OpenAI.APIUserAbortError.name });
    await eventually("the call is recorded", () => broker.usage.some(({ status }) => status === 499));
  });
});

describe("the @anthropic-ai/sdk package", () => {
  let client: Anthropic;
  const request = (content: string) => ({
    model: MODEL,
    max_tokens: 1_024,
    messages: [{ role: "user" as const, content }],
  });
  beforeEach(() => {
    broker = startBroker(provider.url, { target: { provider: "anthropic" } });
    client = new Anthropic({ baseURL: `${broker.url}/api/llm-proxy`, apiKey: broker.token, maxRetries: 0 });
  });

  test("reads a reply, a stream and its token counts", async () => {
    const reply = await client.messages.create(request("hello"));
    expect(reply.content).toMatchObject([{ type: "text", text: WORDS }]);
    expect(await client.messages.stream(request("hello")).finalText()).toBe(WORDS);
    await eventually("both are recorded", () => broker.usage.length === 2);
    for (const entry of broker.usage) expect(entry).toMatchObject({ status: 200, estimated: false });
  });

  test("gets calls of its tools, and sends them back with their results", async () => {
    const tools = [{ name: "read", input_schema: { type: "object" as const } }];
    const streamed = await client.messages.stream({ ...request("read a"), tools }).finalMessage();
    expect(streamed.content).toMatchObject([{ type: "tool_use", name: "read", input: { path: "a" } }]);
    const call = streamed.content.find((block) => block.type === "tool_use");
    const next = await client.messages.create({
      ...request("read a"),
      tools,
      messages: [
        { role: "user", content: "read a" },
        { role: "assistant", content: streamed.content },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: call?.id ?? "", content: [{ type: "text", text: "x" }] },
            { type: "text", text: "hello" },
          ],
        },
      ],
    });
    expect(next.content).toMatchObject([{ text: WORDS }]);
  });

  test("sees errors as its own classes, with our code", async () => {
    const limited = await failure(client.messages.create(request("too fast")));
    expect(limited).toMatchObject({
      name: Anthropic.RateLimitError.name,
      error: { type: "error", error: { type: "rate_limit_error", code: "rate_limited" } },
    });
    const stranger = new Anthropic({ baseURL: broker.url, apiKey: "sk-other", maxRetries: 0 });
    expect(await failure(stranger.messages.create(request("hello")))).toMatchObject({
      name: Anthropic.AuthenticationError.name,
      error: { error: { type: "authentication_error", code: "unauthenticated" } },
    });
    expect(await failure(client.messages.countTokens(request("hello")))).toMatchObject({ status: 404 });
    const tagged = client.messages.create({ ...request("hello"), metadata: { user_id: "7" } });
    expect(await failure(tagged)).toMatchObject({ message: expect.stringContaining("metadata") });
  });

  test("fails on a stream that was cut, and leaves nothing open when it aborts one", async () => {
    const cut = client.messages.stream(request("cut"));
    expect(await failure(cut.finalText())).toMatchObject({
      error: { error: { type: "api_error", code: "upstream_failed" } },
    });
    provider.clearRequests();
    const slow = client.messages.stream(request("slow"));
    const ended = failure(slow.finalText());
    await eventually("the provider is called", () => provider.getRequests().length === 1);
    slow.abort();
    expect(await ended).toMatchObject({ name: Anthropic.APIUserAbortError.name });
    await eventually("the call is recorded", () => broker.usage.some(({ status }) => status === 499));
  });
});

/** What a call fails with, with the name of its class. */
async function failure(call: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ...error, message: error.message, name: error.constructor.name };
  }
  throw new Error("the call did not fail");
}
