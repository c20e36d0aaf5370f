import { afterEach, describe, expect, test } from "bun:test";
import {
  chunk,
  DONE_CHUNK,
  MODEL,
  PROVIDER_KEY,
  QUESTION,
  type SeenRequest,
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
const THEIR_KEY = "sk-of-the-other-workspace-77";

/** Two workspaces of one broker process, with connections to the same provider; run 0 is of the first, run 1 of the second. */
function startTwo(provider: { url: string }) {
  const theirs = targetOf(provider.url, { connectionId: 2, apiKey: THEIR_KEY, contextWindow: 1_000 });
  return keep(startBroker(provider.url, { otherRuns: [theirs] }));
}
const keyOf = (request: { headers: Headers }) =>
  request.headers.get("authorization")?.slice("Bearer ".length);

describe("LB-18 two workspaces of one process with the same prompt", () => {
  test("each ask the provider themselves, with their own key, and get their own answer and nothing of the other's", async () => {
    let answers = 0;
    const provider = keep(
      startProvider((request) =>
        Response.json(
          { choices: [{ message: { content: `answer ${++answers} for ${keyOf(request)?.slice(-2)}` } }] },
          {
            headers: {
              "X-Request-Id": `req-${keyOf(request)?.slice(-2)}`,
              ETag: '"1"',
              "Cache-Control": "max-age=99",
            },
          },
        ),
      ),
    );
    const broker = startTwo(provider);
    const calls = Array.from({ length: 20 }, async (_, at) => {
      const response = await broker.post(QUESTION, { run: at % 2 });
      return { run: at % 2, headers: response.headers, text: await response.text() };
    });
    const replies = await Promise.all(calls);
    const own = [PROVIDER_KEY.slice(-2), THEIR_KEY.slice(-2)];
    for (const { run, headers, text } of replies) {
      expect(text).toContain(`for ${own[run]}`);
      expect(headers.get("x-request-id")).toBe(`req-${own[run]}`);
      expect(headers.get("x-context-window")).toBe(run === 0 ? "65536" : "1000");
      expect([headers.get("cache-control"), headers.get("etag")]).toEqual(["no-store", null]);
    }
    // Nothing was answered from a store of earlier answers: twenty calls are twenty requests and twenty answers.
    expect(provider.seen).toHaveLength(20);
    expect(new Set(replies.map(({ text }) => text)).size).toBe(20);
    expect(provider.seen.map(keyOf).sort()).toEqual([
      ...Array(10).fill(THEIR_KEY),
      ...Array(10).fill(PROVIDER_KEY),
    ]);
    expect(broker.usage.filter(({ target }) => target.connectionId === 2)).toHaveLength(10);
  });

  test("send the provider requests that differ in the key alone, whatever the callers' headers say", async () => {
    const provider = keep(startProvider(() => Response.json({ choices: [] })));
    const broker = startTwo(provider);
    for (const run of [0, 1]) {
      const mine = {
        "X-Workspace": `workspace ${run}`,
        Cookie: `session=${run}`,
        "User-Agent": `agent/${run}`,
      };
      await broker.post(QUESTION, { run, headers: mine });
    }
    const shown = ({ url, headers, body }: SeenRequest) => {
      const others = [...headers].filter(([name]) => name !== "authorization");
      return JSON.stringify([url, others.sort(), body]);
    };
    const [first, second] = provider.seen.map(shown);
    expect(first).toBe(second ?? "");
    expect(JSON.parse(provider.seen[0]?.body ?? "")).toEqual({ ...QUESTION, model: MODEL });
    expect(first).not.toContain("workspace");
  });

  test("read streams at the same time without a byte of the other's", async () => {
    const streams: { key: string | undefined; stream: ReturnType<typeof writableStream> }[] = [];
    const provider = keep(
      startProvider((request) => {
        const stream = writableStream();
        streams.push({ key: keyOf(request), stream });
        stream.write(chunk("begin"));
        return stream.response();
      }),
    );
    const broker = startTwo(provider);
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, at) => broker.post({ ...QUESTION, stream: true }, { run: at % 2 })),
    );
    const texts = replies.map((reply) => reply.text());
    const said = (key: string | undefined) => (key === THEIR_KEY ? "of the second" : "of the first");
    // Each line comes in two halves, and all streams are in the middle of one at once.
    for (let turn = 0; turn < 10; turn++) {
      for (const { key, stream } of streams) stream.write(chunk(said(key)).slice(0, 40));
      await Bun.sleep(0);
      for (const { key, stream } of streams) stream.write(chunk(said(key)).slice(40));
    }
    for (const { stream } of streams) {
      stream.write(USAGE_CHUNK + DONE_CHUNK);
      stream.close();
    }
    for (const [at, text] of texts.entries()) {
      const own = at % 2 === 0 ? "of the first" : "of the second";
      expect(await text).toBe(chunk("begin") + chunk(own).repeat(10) + USAGE_CHUNK + DONE_CHUNK);
    }
    expect(broker.usage.map(({ status }) => status)).toEqual(Array(20).fill(200));
  });

  test("are not told of each other when one key is refused", async () => {
    const provider = keep(
      startProvider((request) =>
        keyOf(request) === THEIR_KEY
          ? Response.json({ error: { message: `no such key ${THEIR_KEY}` } }, { status: 401 })
          : Response.json({ choices: [] }),
      ),
    );
    const broker = startTwo(provider);
    for (let turn = 0; turn < 5; turn++) {
      const refused = await broker.post(QUESTION, { run: 1 });
      expect(refused.status).toBe(502);
      expect(await refused.text()).not.toContain("sk-");
      expect((await broker.post(QUESTION, { run: 0 })).status).toBe(200);
    }
  });
});
