import { afterAll, afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { LLM_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { type BrokerFixture, startBroker } from "./llm-broker.fixture.ts";
import { longestTurn } from "./thread-time.fixture.ts";

setDefaultTimeout(60_000);

/** Reads what it is sent as bytes, and no more of it: its own work must not be taken for the broker's. */
const provider = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  maxRequestBodySize: 2 * LLM_BODY_BYTES_MAX,
  fetch: async (request) => {
    received.push((await request.arrayBuffer()).byteLength);
    return Response.json({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } });
  },
});
const received: number[] = [];
let broker: BrokerFixture;
beforeEach(() => {
  received.length = 0;
  broker = startBroker(`http://127.0.0.1:${provider.port}`, { target: { images: true } });
});
afterEach(() => broker.close());
afterAll(() => provider.stop(true));

const LINE = "export const answer = (question: string) => question.length;\n";
const said = (text: string, count: number) => ({
  messages: Array.from({ length: count }, () => ({ role: "user", content: text })),
});
const PICTURE = `data:image/png;base64,${"iVBORw0K".repeat(655_000)}`;
const BODIES: readonly [string, object][] = [
  ["program text", said(LINE.repeat(1_600), 150)],
  ["text that is not Latin", said("ответ ".repeat(9_000), 150)],
  [
    "pictures",
    {
      messages: [
        { role: "user", content: Array(3).fill({ type: "image_url", image_url: { url: PICTURE } }) },
      ],
    },
  ],
];

for (const [name, body] of BODIES) {
  test(`LB-14 ${name} of 14 MiB and more goes through, and nobody waits for 50 ms of it at a time`, async () => {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    expect(bytes.length).toBeGreaterThan(14 * 1_048_576);
    const headers = { Authorization: `Bearer ${broker.token}`, "Content-Type": "application/json" };
    const url = `${broker.url}/api/llm-proxy/v1/chat/completions`;
    const turns: number[] = [];
    for (let round = 0; round < 5; round++) {
      turns.push(
        await longestTurn(async () => {
          const response = await fetch(url, { method: "POST", headers, body: bytes });
          expect(response.status).toBe(200);
          await response.arrayBuffer();
        }),
      );
    }
    expect(received).toHaveLength(5);
    // The best of five, because the collector of garbage comes when it likes.
    expect(Math.min(...turns)).toBeLessThan(50);
  });
}
