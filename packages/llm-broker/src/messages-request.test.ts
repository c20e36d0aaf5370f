import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { z } from "zod";
import {
  type BrokerFixture,
  MODEL,
  PROVIDER_KEY,
  QUESTION,
  startBroker,
  startProvider,
} from "./llm-broker.fixture.ts";

const PATH = "/api/llm-proxy/v1/messages";
const ASKED = { max_tokens: 100, ...QUESTION };
const PIXEL = "iVBORw0KGgo=";
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } };
const Refusal = z.object({
  type: z.literal("error"),
  error: z.object({ type: z.string(), code: z.string(), message: z.string() }),
});

describe("what may be sent to the Messages API", () => {
  const provider = startProvider(() =>
    Response.json({ type: "message", usage: { input_tokens: 3, output_tokens: 4 } }),
  );
  let broker: BrokerFixture;
  beforeEach(() => {
    broker = startBroker(provider.url, { target: { provider: "anthropic", images: true } });
    provider.seen.length = 0;
  });
  afterEach(() => broker.close());
  afterAll(() => provider.close());
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    broker.post(body, { path: PATH, headers });

  test("LB-01 the address and the headers come from the connection alone", async () => {
    const response = await post(ASKED, {
      "anthropic-beta": "files-api-2025-04-14",
      "anthropic-version": "2020-01-01",
      "anthropic-dangerous-direct-browser-access": "true",
      "x-api-key": "sk-mine",
    });
    expect(response.status).toBe(200);
    const [seen] = provider.seen;
    expect(seen?.url).toBe(`${provider.url}/v1/messages`);
    expect([...(seen?.headers.keys() ?? [])].sort()).toEqual([
      "accept",
      "accept-encoding",
      "anthropic-version",
      "connection",
      "content-length",
      "content-type",
      "host",
      "user-agent",
      "x-api-key",
    ]);
    expect(seen?.headers.get("x-api-key")).toBe(PROVIDER_KEY);
    expect(seen?.headers.get("anthropic-version")).toBe("2023-06-01");
  });

  test("takes the run's token as x-api-key too, but not behind a bad Authorization", async () => {
    const call = (headers: Record<string, string>) =>
      fetch(broker.url + PATH, { method: "POST", headers, body: JSON.stringify(ASKED) });
    expect((await call({ "x-api-key": broker.token })).status).toBe(200);
    expect((await call({ "x-api-key": `${broker.token}x` })).status).toBe(401);
    expect((await call({ "x-api-key": broker.token, Authorization: "Bearer x" })).status).toBe(401);
  });

  test("LB-02 another model is 403 however it is asked for", async () => {
    for (const model of ["other", MODEL.toUpperCase(), [MODEL], null]) {
      expect((await post({ ...ASKED, model })).status).toBe(403);
    }
    expect(provider.seen).toEqual([]);
  });

  test("LB-16 fields that cost money or carry data out are refused by name", async () => {
    const bodies: [string, unknown][] = [
      ["metadata", { ...ASKED, metadata: { user_id: "1" } }],
      ["service_tier", { ...ASKED, service_tier: "auto" }],
      ["mcp_servers", { ...ASKED, mcp_servers: [{ type: "url", url: "https://evil.test", name: "x" }] }],
      ["container", { ...ASKED, container: "x" }],
      ["context_management", { ...ASKED, context_management: {} }],
      ["inference_geo", { ...ASKED, inference_geo: "us" }],
      ["max_tokens", { ...ASKED, max_tokens: 10_000_000 }],
      ["max_tokens", QUESTION],
      ["tools.0", { ...ASKED, tools: [{ type: "web_search_20250305", name: "web_search" }] }],
      ["tools.0", { ...ASKED, tools: [{ type: "code_execution_20250522", name: "code_execution" }] }],
      [
        "messages.0.content.0.source",
        asked({ type: "image", source: { type: "url", url: "https://evil.test/x" } }),
      ],
      ["messages.0.content.0.source", asked({ type: "image", source: { type: "file", file_id: "f" } })],
      [
        "messages.0.content.0.type",
        asked({ type: "document", source: { type: "url", url: "https://evil.test" } }),
      ],
      ["messages.0.content.0.type", asked({ type: "server_tool_use", id: "1", name: "x", input: {} })],
      [
        "messages.0.content.0.cache_control",
        asked({ type: "text", text: "x", cache_control: { type: "forever" } }),
      ],
    ];
    for (const [field, body] of bodies) {
      const response = await post(body);
      expect(response.status).toBe(400);
      const { error } = Refusal.parse(await response.json());
      expect(error).toMatchObject({ type: "invalid_request_error", code: "invalid_input" });
      expect(error.message).toContain(field);
    }
    expect(provider.seen).toEqual([]);
  });

  test("passes every allowed field on unchanged", async () => {
    const cache_control = { type: "ephemeral", ttl: "1h" };
    const body = {
      max_tokens: 2_000,
      system: [{ type: "text", text: "be brief", cache_control }],
      messages: [
        { role: "user", content: [{ type: "text", text: "look" }, image] },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: "s" },
            { type: "redacted_thinking", data: "d" },
            { type: "text", text: "I look", citations: null },
            { type: "tool_use", id: "1", name: "look", input: { at: "x" } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "1", is_error: false, content: [image], cache_control },
          ],
        },
      ],
      tools: [{ name: "look", description: "looks", input_schema: { type: "object", properties: {} } }],
      tool_choice: { type: "tool", name: "look", disable_parallel_tool_use: true },
      temperature: 1,
      top_p: 0.9,
      top_k: 5,
      stop_sequences: ["END"],
      thinking: { type: "enabled", budget_tokens: 1_024 },
      cache_control: { type: "ephemeral" },
    };
    expect((await post(body)).status).toBe(200);
    expect(JSON.parse(provider.seen[0]?.body ?? "")).toEqual({ ...body, model: MODEL });
    expect(broker.usage).toMatchObject([{ usage: { inputTokens: 3, outputTokens: 4 }, estimated: false }]);
  });

  test("counts what was read from and written to the provider's cache among the input", async () => {
    const counts = {
      input_tokens: 5,
      cache_read_input_tokens: 70,
      cache_creation_input_tokens: 20,
      output_tokens: 9,
    };
    const cached = startProvider(() => Response.json({ type: "message", usage: counts }));
    const other = startBroker(cached.url, { target: { provider: "anthropic" } });
    await other.post(ASKED, { path: PATH });
    expect(other.usage).toMatchObject([
      { usage: { inputTokens: 95, cachedInputTokens: 70, cacheWriteTokens: 20, outputTokens: 9 } },
    ]);
    await other.close();
    await cached.close();
  });

  test("a connection of the other kind says which route to use; chat completions serve both", async () => {
    const chatOnly = startBroker(provider.url);
    const response = await chatOnly.post(ASKED, { path: PATH });
    expect(response.status).toBe(400);
    expect(Refusal.parse(await response.json()).error.message).toContain("use POST /v1/chat/completions");
    await chatOnly.close();
    expect((await broker.post(QUESTION)).status).toBe(200);
    expect(provider.seen.map(({ url }) => new URL(url).pathname)).toEqual(["/v1/chat/completions"]);
    expect(provider.seen[0]?.headers.get("authorization")).toBe(`Bearer ${PROVIDER_KEY}`);
  });

  test("pictures go to a model that may see only, by either route", async () => {
    const blind = startBroker(provider.url, { target: { provider: "anthropic" } });
    const inChat = (url: string) => ({
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }],
    });
    const url = `data:image/png;base64,${PIXEL}`;
    for (const [body, path] of [
      [asked(image), PATH],
      [inChat(url), undefined],
    ] as const) {
      const where = path === undefined ? {} : { path };
      const refused = await blind.post(body, where);
      expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("pictures")]);
      expect((await broker.post(body, where)).status).toBe(200);
    }
    for (const bad of [
      "https://evil.test/x.png",
      "data:text/html;base64,AAAA",
      "data:image/svg+xml;base64,AAAA",
      "data:image/png;base64,AA AA",
      `${url}#https://evil.test`,
    ]) {
      const refused = await broker.post(inChat(bad));
      expect([refused.status, await refused.text()]).toEqual([
        400,
        expect.stringContaining("messages.0.content.0.image_url.url"),
      ]);
    }
    expect(provider.seen).toHaveLength(2);
    await blind.close();
  });
});

function asked(block: unknown) {
  return { max_tokens: 100, messages: [{ role: "user", content: [block] }] };
}
