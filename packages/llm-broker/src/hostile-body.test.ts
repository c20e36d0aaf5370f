import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { LLM_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { type BrokerFixture, QUESTION, startBroker, startProvider } from "./llm-broker.fixture.ts";
import { LLM_WIRES } from "./llm-wire.ts";

const ASK = '"max_tokens":10,"messages":[{"role":"user","content":"x"}]';
const PROMPT_BYTES = 50 * 1_048_576;
/** Bodies that would cost a parser memory or time, with the answer to each. */
const HOSTILE: readonly [string, string, number][] = [
  ["a depth of 100,000", `{${ASK},"tools":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, 400],
  ["a depth of 100,000 without an end", `{${ASK},"tools":${'{"a":'.repeat(100_000)}`, 400],
  ["a million tools", `{${ASK},"tools":[${"{},".repeat(1_000_000)}{}]}`, 413],
  ["a prototype", `{${ASK},"__proto__":{"n":9}}`, 400],
  [
    "a prototype in a message",
    `{"max_tokens":10,"messages":[{"role":"user","content":"x","__proto__":{"n":9}}]}`,
    400,
  ],
  ["a constructor", `{${ASK},"constructor":{"prototype":{"n":9}}}`, 400],
];

for (const { path } of LLM_WIRES) {
  describe(`LB-14 by ${path}, with the limits as they are`, () => {
    const provider = startProvider(() => Response.json({ choices: [] }));
    let broker: BrokerFixture;
    beforeEach(() => {
      broker = startBroker(provider.url, { target: { provider: "anthropic" } });
      provider.seen.length = 0;
    });
    afterEach(() => broker.close());
    afterAll(() => provider.close());

    for (const [name, body, status] of HOSTILE) {
      test(`${name} is ${status}, reaches no provider, changes no prototype, and the next call is served`, async () => {
        expect((await broker.post(body, { path })).status).toBe(status);
        expect([provider.seen, broker.usage]).toEqual([[], []]);
        expect(Object.hasOwn(Object.prototype, "n")).toBe(false);
        expect((await broker.post({ ...QUESTION, max_tokens: 10 }, { path })).status).toBe(200);
      });
    }

    test("a prompt of 50 MB is 413, announced or not", async () => {
      const prompt = JSON.stringify({
        max_tokens: 10,
        messages: [{ role: "user", content: "x".repeat(PROMPT_BYTES) }],
      });
      expect((await broker.post(prompt, { path })).status).toBe(413);
      let sent = 0;
      const unannounced = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          if (sent >= PROMPT_BYTES) return controller.close();
          const piece = Buffer.from(prompt.slice(sent, sent + 65_536));
          sent += piece.length;
          controller.enqueue(piece);
        },
      });
      const headers = { Authorization: `Bearer ${broker.token}` };
      const refused = await fetch(broker.url + path, { method: "POST", headers, body: unannounced }).catch(
        () => undefined,
      );
      // The answer comes while the caller still sends; a client may see the end of the connection instead.
      expect([413, undefined]).toContain(refused?.status);
      expect([provider.seen, broker.usage]).toEqual([[], []]);
      expect(PROMPT_BYTES).toBeGreaterThan(LLM_BODY_BYTES_MAX);
      expect((await broker.post({ ...QUESTION, max_tokens: 10 }, { path })).status).toBe(200);
    });
  });
}
