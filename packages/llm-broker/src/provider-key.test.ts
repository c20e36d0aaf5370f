import { afterEach, describe, expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import {
  type BrokerFixture,
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

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}
const STREAM = { ...QUESTION, stream: true };

describe("LB-05 the provider's key", () => {
  const echo = (request: Request) => request.headers.get("authorization") ?? "";
  const expectNoKey = async (broker: BrokerFixture, response: Response) => {
    const text = await response.text();
    const all = JSON.stringify([[...response.headers], text, broker.log, broker.usage]);
    expect(all).not.toContain(PROVIDER_KEY);
    return text;
  };

  test("is hidden when an error echoes it", async () => {
    for (const status of [400, 401, 404, 500]) {
      const provider = keep(
        startProvider((request) => Response.json({ error: { message: echo(request) } }, { status })),
      );
      const broker = keep(startBroker(provider.url));
      await expectNoKey(broker, await broker.post(QUESTION));
    }
  });

  test("is hidden when a reply or a header echoes it", async () => {
    const provider = keep(
      startProvider((request) =>
        Response.json(
          { choices: [{ message: { content: `you sent ${echo(request)}` } }] },
          {
            headers: {
              "X-Request-Id": PROVIDER_KEY,
              "Retry-After": PROVIDER_KEY,
              Authorization: echo(request),
            },
          },
        ),
      ),
    );
    const broker = keep(startBroker(provider.url));
    expect(await expectNoKey(broker, await broker.post(QUESTION))).toContain("you sent Bearer [redacted]");
  });

  test("is hidden in a stream, however the bytes are split", async () => {
    const whole = chunk(`you sent ${PROVIDER_KEY}, ${PROVIDER_KEY}`) + USAGE_CHUNK + DONE_CHUNK;
    for (const size of [1, 7, 40, 1_000]) {
      const provider = keep(
        startProvider(() => {
          const stream = writableStream();
          for (let at = 0; at < whole.length; at += size) stream.write(whole.slice(at, at + size));
          stream.close();
          return stream.response();
        }),
      );
      const broker = keep(startBroker(provider.url));
      const text = await expectNoKey(broker, await broker.post(STREAM));
      expect(text).toBe(whole.replaceAll(PROVIDER_KEY, "[redacted]"));
      expect(broker.usage).toMatchObject([{ usage: { inputTokens: 11, outputTokens: 5 } }]);
    }
  });

  test("is hidden by the route of Anthropic's API too: in an error, a message, its events and their end", async () => {
    const event = (type: string, fields: object) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
    const events =
      event("message_start", { message: { usage: { input_tokens: 3, output_tokens: 1 } } }) +
      event("content_block_delta", { delta: { type: "text_delta", text: `you sent ${PROVIDER_KEY}` } }) +
      event("message_delta", { delta: { stop_reason: PROVIDER_KEY }, usage: { output_tokens: 4 } }) +
      event("message_stop", {});
    const answers = [
      () => Response.json({ error: { type: PROVIDER_KEY, message: PROVIDER_KEY } }, { status: 400 }),
      () => Response.json({ type: "message", content: PROVIDER_KEY, usage: { input_tokens: 3 } }),
      () =>
        new Response(events, {
          headers: { "Content-Type": "text/event-stream", "Request-Id": PROVIDER_KEY },
        }),
      () => new Response(events.slice(0, -60), { headers: { "Content-Type": "text/event-stream" } }),
    ];
    for (const answer of answers) {
      const keys: (string | null)[] = [];
      const provider = keep(
        startProvider((request) => {
          keys.push(request.headers.get("x-api-key"));
          return answer();
        }),
      );
      const broker = keep(startBroker(provider.url, { target: { provider: "anthropic" } }));
      await expectNoKey(broker, await broker.post({ ...STREAM, max_tokens: 9 }, { path: "/v1/messages" }));
      expect(keys).toEqual([PROVIDER_KEY]);
    }
  });

  test("is hidden when a redirect carries it", async () => {
    const provider = keep(
      startProvider(() => Response.redirect(`http://127.0.0.1:1/?key=${PROVIDER_KEY}`, 302)),
    );
    const broker = keep(startBroker(provider.url));
    await expectNoKey(broker, await broker.post(QUESTION));
  });
});

describe("LB-19 a changed key", () => {
  test("is used by the next call, while open streams end as they began and then hold the old one no more", async () => {
    const streams: ReturnType<typeof writableStream>[] = [];
    const provider = keep(
      startProvider(() => {
        const stream = writableStream();
        streams.push(stream);
        stream.write(chunk("one"));
        return stream.response();
      }),
    );
    let key = "sk-old-1111111111111111";
    const held: WeakRef<object>[] = [];
    const open = async () => {
      const endpoint = { baseUrl: provider.url, apiKey: key };
      held.push(new WeakRef(endpoint));
      return endpoint;
    };
    // Of ten runs, since one has sixteen calls at once.
    const otherRuns = Array(9).fill(targetOf(provider.url, { open }));
    const broker = keep(startBroker(provider.url, { target: { open }, otherRuns }));
    const texts = await Promise.all(
      Array.from({ length: 100 }, async (_, at) => {
        return { text: (await broker.post(STREAM, { run: at % 10 })).text() };
      }),
    );
    key = "sk-new-2222222222222222";
    const next = await broker.post(STREAM);
    const keys = provider.seen.map(({ headers }) => headers.get("authorization"));
    expect(keys.slice(0, 100)).toEqual(Array(100).fill("Bearer sk-old-1111111111111111"));
    expect(keys[100]).toBe("Bearer sk-new-2222222222222222");
    for (const stream of streams) {
      stream.write(chunk("sk-old-1111111111111111") + USAGE_CHUNK + DONE_CHUNK);
      stream.close();
    }
    for (const { text } of texts) expect(await text).toContain("[redacted]");
    await next.text();
    expect(broker.usage.map(({ status }) => status)).toEqual(Array(101).fill(200));
    await eventually("no endpoint with a key is held", () => {
      Bun.gc(true);
      return held.every((ref) => ref.deref() === undefined);
    });
  });
});
