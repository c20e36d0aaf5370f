import { afterEach, describe, expect, test } from "bun:test";
import {
  type BrokerFixture,
  chunk,
  DONE_CHUNK,
  PROVIDER_KEY,
  QUESTION,
  startBroker,
  startProvider,
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

  test("is hidden when a redirect carries it", async () => {
    const provider = keep(
      startProvider(() => Response.redirect(`http://127.0.0.1:1/?key=${PROVIDER_KEY}`, 302)),
    );
    const broker = keep(startBroker(provider.url));
    await expectNoKey(broker, await broker.post(QUESTION));
  });
});
