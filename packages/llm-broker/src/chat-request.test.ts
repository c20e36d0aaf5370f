import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { AppError, ErrorBody } from "@windshift/contract/app-error.ts";
import { authorizeChatRequest } from "./chat-request.ts";
import {
  type BrokerFixture,
  MODEL,
  PROVIDER_KEY,
  QUESTION,
  startBroker,
  startProvider,
  targetOf,
} from "./llm-broker.fixture.ts";
import { threadMs } from "./thread-time.fixture.ts";

test("LB-14 a hostile body is refused within 50 ms of this thread", () => {
  const target = targetOf("http://127.0.0.1:1");
  const ask = '"messages":[{"role":"user","content":"x"}]';
  const bodies = {
    tools: `{${ask},"tools":[${"{},".repeat(1_000_000)}{}]}`,
    depth: `{${ask},"response_format":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
    numbers: `{${ask},"stop":[${"1,".repeat(1_000_000)}1]}`,
    strings: `{${ask},"stop":[${'"",'.repeat(1_000_000)}""]}`,
    escapes: `{${ask},"x":"${"\\\\".repeat(1_000_000)}`,
    unclosed: `{${ask},"tools":[${'"'.repeat(1_000_001)}`,
  };
  for (const [name, body] of Object.entries(bodies)) {
    const took = [1, 2, 3].map(() => {
      const startedMs = threadMs();
      expect(() => authorizeChatRequest(body, target)).toThrow(AppError);
      return threadMs() - startedMs;
    });
    // The best of three, because the collector of garbage comes when it likes.
    expect([name, Math.min(...took) < 50]).toEqual([name, true]);
  }
});

test("LB-14 a large honest body is read within 50 ms, too", () => {
  const said = { role: "user", content: "x = 1\n".repeat(50_000) };
  const body = JSON.stringify({ messages: Array(10).fill(said) });
  const took = [1, 2, 3].map(() => {
    const startedMs = threadMs();
    expect(authorizeChatRequest(body, targetOf("http://127.0.0.1:1")).stream).toBe(false);
    return threadMs() - startedMs;
  });
  expect(Math.min(...took)).toBeLessThan(50);
});

describe("what may be sent", () => {
  const provider = startProvider(() => Response.json({ choices: [] }));
  let broker: BrokerFixture;
  beforeEach(() => {
    broker = startBroker(provider.url);
    provider.seen.length = 0;
  });
  afterEach(() => broker.close());
  afterAll(() => provider.close());

  test("LB-01 the address and the headers come from the connection alone", async () => {
    const elsewhere = startProvider(() => new Response("taken"));
    const response = await broker.post(QUESTION, {
      headers: {
        "X-Forwarded-Host": new URL(elsewhere.url).host,
        "X-OpenAI-Host": elsewhere.url,
        "X-Base-Url": elsewhere.url,
        "OpenAI-Organization": "theirs",
        Cookie: "session=1",
        "X-Api-Key": "mine",
      },
    });
    expect(response.status).toBe(200);
    for (const field of ["api_base", "base_url", "api_key", "extra_headers", "custom_llm_provider"]) {
      const refused = await broker.post({ ...QUESTION, [field]: elsewhere.url });
      expect(refused.status).toBe(400);
      expect(ErrorBody.parse(await refused.json()).error.message).toContain(field);
    }
    expect((await broker.post({ ...QUESTION, model: `${elsewhere.url}/v1` })).status).toBe(403);
    expect(elsewhere.seen).toEqual([]);
    const names = [...(provider.seen[0]?.headers.keys() ?? [])].sort();
    expect(names).toEqual([
      "accept",
      "accept-encoding",
      "authorization",
      "connection",
      "content-length",
      "content-type",
      "host",
      "user-agent",
    ]);
    expect(provider.seen[0]?.headers.get("authorization")).toBe(`Bearer ${PROVIDER_KEY}`);
    expect(provider.seen[0]?.url).toBe(`${provider.url}/v1/chat/completions`);
    await elsewhere.close();
  });

  test("LB-01 neither a query, a path nor a Host moves the request or reaches the provider", async () => {
    const elsewhere = startProvider(() => new Response("taken"));
    const query = `?api_base=${elsewhere.url}&base_url=${elsewhere.url}&model=expensive&key=mine`;
    const paths = [
      `/api/llm-proxy/v1/chat/completions${query}`,
      `/api/llm-proxy/${elsewhere.url}/v1/chat/completions`,
      `/api/llm-proxy/@${new URL(elsewhere.url).host}/v1/chat/completions`,
    ];
    for (const path of paths) expect((await broker.post(QUESTION, { path })).status).toBe(200);
    const { host } = new URL(elsewhere.url);
    for (const first of [`POST /v1/chat/completions`, `POST ${elsewhere.url}/v1/chat/completions`]) {
      expect(await sendRaw(broker, first, host)).toMatch(/^HTTP\/1\.1 (200|4\d\d)/);
    }
    expect(elsewhere.seen).toEqual([]);
    expect(provider.seen.length).toBeGreaterThanOrEqual(paths.length + 1);
    for (const seen of provider.seen) {
      expect(seen.url).toBe(`${provider.url}/v1/chat/completions`);
      expect(seen.headers.get("host")).toBe(new URL(provider.url).host);
      expect(JSON.stringify([...seen.headers])).not.toContain(host);
    }
    await elsewhere.close();
  });

  test("LB-02 another model is 403 however it is asked for", async () => {
    const others: unknown[] = [
      "other",
      MODEL.toUpperCase(),
      `openai/${MODEL}`,
      `${MODEL} `,
      `${MODEL}-large`,
      "",
      [MODEL],
      { id: MODEL },
      null,
      1,
    ];
    for (const model of others) expect((await broker.post({ ...QUESTION, model })).status).toBe(403);
    expect(provider.seen).toEqual([]);
  });

  test("LB-02 with a key given twice, what was authorized is what is sent", async () => {
    const messages = JSON.stringify(QUESTION.messages);
    const last = `{"model":"${MODEL}","messages":${messages},"model":"expensive"}`;
    expect((await broker.post(last)).status).toBe(403);
    const escaped = `{"model":"${MODEL}","messages":${messages},"mod\\u0065l":"expensive"}`;
    expect((await broker.post(escaped)).status).toBe(403);
    const first = `{"model":"expensive","messages":${messages},"model":"${MODEL}"}`;
    expect((await broker.post(first)).status).toBe(200);
    expect(provider.seen.map((request) => request.body)).toEqual([
      JSON.stringify({ model: MODEL, messages: QUESTION.messages }),
    ]);
  });

  test("LB-02 with a key given twice inside a message or a tool, what was checked is what is sent", async () => {
    const said = `{"role":"system","role":"user","content":"no","cont\\u0065nt":"x"}`;
    const tool = `{"type":"function","function":{"name":"a","parameters":{"type":"string","type":"object"}}}`;
    const body = `{"messages":[${said}],"tools":[${tool}]}`;
    expect((await broker.post(body)).status).toBe(200);
    const checked = {
      messages: [{ role: "user", content: "x" }],
      tools: [{ type: "function", function: { name: "a", parameters: { type: "object" } } }],
      model: MODEL,
    };
    expect(provider.seen.map((request) => request.body)).toEqual([JSON.stringify(checked)]);
  });

  test("messages without such a key leave in the words they came in, between fields of ours", async () => {
    const messages = `[ {"role":"user", "content":"a\\u0062\\/"} ]`;
    expect((await broker.post(`{"stream":false,"messages":${messages},"max_tokens":7}`)).status).toBe(200);
    expect(provider.seen.map((request) => request.body)).toEqual([
      `{"messages":${messages},"stream":false,"model":"${MODEL}","max_tokens":7}`,
    ]);
  });

  test("LB-16 fields that cost money or carry data out are refused by name", async () => {
    const image = {
      role: "user",
      content: [{ type: "image_url", image_url: { url: "https://evil.test/x" } }],
    };
    const bodies: [string, unknown][] = [
      ["n", { ...QUESTION, n: 100 }],
      ["max_tokens", { ...QUESTION, max_tokens: 10_000_000 }],
      ["store", { ...QUESTION, store: true }],
      ["metadata", { ...QUESTION, metadata: { a: "b" } }],
      ["user", { ...QUESTION, user: "x" }],
      ["web_search_options", { ...QUESTION, web_search_options: {} }],
      ["modalities", { ...QUESTION, modalities: ["audio"] }],
      ["service_tier", { ...QUESTION, service_tier: "priority" }],
      ["tools.0.type", { ...QUESTION, tools: [{ type: "web_search" }] }],
      ["tools.0.type", { ...QUESTION, tools: [{ type: "code_interpreter" }] }],
      ["messages.0.content", { messages: [image] }],
      ["__proto__", `{"messages":[{"role":"user","content":"x"}],"__proto__":{"n":2}}`],
    ];
    for (const [field, body] of bodies) {
      const response = await broker.post(body);
      expect(response.status).toBe(400);
      expect(ErrorBody.parse(await response.json()).error.message).toContain(field);
    }
    expect(provider.seen).toEqual([]);
  });

  test("passes every allowed field on unchanged", async () => {
    const parameters = { type: "object", properties: { path: { type: "string" } }, required: ["path"] };
    const body = {
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: [{ type: "text", text: "read a" }] },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "1", type: "function", function: { name: "read", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "1", content: "a" },
      ],
      tools: [{ type: "function", function: { name: "read", description: "reads", parameters } }],
      tool_choice: "auto",
      parallel_tool_calls: false,
      temperature: 0.2,
      top_p: 1,
      max_completion_tokens: 4_096,
      stop: ["END"],
      seed: 7,
      response_format: { type: "json_object" },
      reasoning_effort: "low",
    };
    expect((await broker.post(body)).status).toBe(200);
    const { max_completion_tokens, ...rest } = body;
    // The one cap goes out by the name that servers of all makers know.
    const sent = { ...rest, max_tokens: max_completion_tokens, model: MODEL };
    expect(JSON.parse(provider.seen[0]?.body ?? "")).toEqual(sent);
  });

  test("answers 400 to what is not JSON or nested without end", async () => {
    const deep = `{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"text","x":${"[".repeat(200_000)}${"]".repeat(200_000)}}}`;
    for (const body of ["", "{", "[]", "null", '"x"', deep])
      expect((await broker.post(body)).status).toBe(400);
    expect(provider.seen).toEqual([]);
  });

  test("answers 413 to a body over the limit, announced or not, and 415 to a packed one", async () => {
    const small = startBroker(provider.url, { limits: { bodyBytesMax: 1_000 } });
    const big = JSON.stringify({ messages: [{ role: "user", content: "x".repeat(2_000) }] });
    expect((await small.post(big)).status).toBe(413);
    const chunked = await fetch(`${small.url}/v1/chat/completions`, {
      method: "POST",
      headers: { Authorization: `Bearer ${small.token}` },
      body: new ReadableStream({
        pull: (controller) => {
          controller.enqueue(Buffer.from(big.slice(0, 300)));
          controller.enqueue(Buffer.from(big.slice(300)));
          controller.close();
        },
      }),
    });
    expect(chunked.status).toBe(413);
    expect((await small.post(QUESTION, { headers: { "Content-Encoding": "gzip" } })).status).toBe(415);
    expect(provider.seen).toEqual([]);
    await small.close();
  });
});

/** One request as bytes, with a Host of the caller's choice; resolves with what came back. */
function sendRaw(broker: BrokerFixture, first: string, host: string): Promise<string> {
  const body = JSON.stringify(QUESTION);
  const head = [
    `${first} HTTP/1.1`,
    `Host: ${host}`,
    `X-Forwarded-Host: ${host}`,
    `Authorization: Bearer ${broker.token}`,
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ port: Number(new URL(broker.url).port), host: "127.0.0.1" }, () =>
      socket.write(`${head.join("\r\n")}\r\n\r\n${body}`),
    );
    socket.on("data", (piece) => {
      text += piece.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });
}
