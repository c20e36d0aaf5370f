import { afterEach, describe, expect, test } from "bun:test";
import { ErrorBody } from "@windshift/contract/app-error.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import {
  chunk,
  DONE_CHUNK,
  QUESTION,
  startBroker,
  startProvider,
  targetOf,
  USAGE_CHUNK,
  writableStream,
} from "./llm-broker.fixture.ts";
import { MemoryBudget } from "./memory-budget.fixture.ts";
import { startTcpProxy } from "./tcp-proxy.fixture.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}
const STREAM = { ...QUESTION, stream: true, max_tokens: 500 };
const REPLY = { choices: [], usage: { prompt_tokens: 11, completion_tokens: 5 } };

/**
 * How long the broker waits for a provider that is silent, ms. What is not cut off has to get through in that time, also on a machine
 * that does much else.
 */
const SILENT_MS_MAX = 1_500;

async function refusal(response: Response) {
  return [response.status, ErrorBody.parse(await response.json()).error.code];
}
/** The last event of a stream, which must be an error of ours and not an end. */
function lastError(text: string): string {
  expect(text).not.toContain("[DONE]");
  const last = text.trim().split("\n").at(-1) ?? "";
  return ErrorBody.parse(JSON.parse(last.replace(/^data: /, ""))).error.code;
}
const sumOf = (usage: { inputTokens: number; outputTokens: number }) =>
  usage.inputTokens + usage.outputTokens;

describe("F17 the way to the provider is cut", () => {
  test("at the connect: a silent host is 504 in time and charged as lost, a refusing one is tried again and free", async () => {
    const provider = keep(startProvider(() => Response.json(REPLY)));
    const way = keep(await startTcpProxy(provider.url));
    const budget = new MemoryBudget();
    const brief = keep(startBroker(way.url, { budget, limits: { headerMsMax: 300 } }));
    way.set("drop");
    expect(await refusal(await brief.post({ ...QUESTION, max_tokens: 500 }))).toEqual([504, "timed_out"]);
    // Whether the provider had it cannot be known, so all of it counts.
    expect(budget.charges).toMatchObject([{ estimated: true, usage: { outputTokens: 500 } }]);
    way.set("refuse");
    const broker = keep(startBroker(way.url, { budget, limits: { retriesMax: 2 } }));
    expect(await refusal(await broker.post(QUESTION))).toEqual([502, "upstream_failed"]);
    const nothing = { inputTokens: 0, outputTokens: 0 };
    expect(broker.usage).toMatchObject([{ tries: 3, status: 502, estimated: false, usage: nothing }]);
    expect(provider.seen).toEqual([]);
    way.set("pass");
    expect((await broker.post(QUESTION)).status).toBe(200);
    const recorded = [...brief.usage, ...broker.usage].reduce((sum, { usage }) => sum + sumOf(usage), 0);
    expect([budget.held, budget.spent]).toEqual([0, recorded]);
  });

  test("at the connect: the next target of the binding answers instead", async () => {
    const provider = keep(startProvider(() => Response.json(REPLY)));
    const way = keep(await startTcpProxy(provider.url));
    way.set("drop");
    const second = targetOf(provider.url, { connectionId: 2, model: "other-1" });
    const broker = keep(
      startBroker(way.url, { fallbacks: [second], limits: { headerMsMax: SILENT_MS_MAX } }),
    );
    expect((await broker.post({ ...QUESTION, max_tokens: 500 })).status).toBe(200);
    expect(broker.usage).toMatchObject([
      { targetIndex: 0, status: 504, estimated: true },
      { targetIndex: 1, status: 200, estimated: false },
    ]);
  });

  test("behind the request: the provider works for nobody, the run hears of it and pays for what may have been made", async () => {
    const got = Promise.withResolvers<void>();
    const provider = keep(
      startProvider(() => {
        got.resolve();
        return new Promise<Response>(() => {});
      }),
    );
    const way = keep(await startTcpProxy(provider.url));
    const budget = new MemoryBudget();
    const broker = keep(startBroker(way.url, { budget, limits: { headerMsMax: 2_000 } }));
    const call = broker.post({ ...QUESTION, max_tokens: 500 });
    await got.promise;
    way.set("drop");
    expect(await refusal(await call)).toEqual([504, "timed_out"]);
    expect(budget.charges).toMatchObject([{ estimated: true, usage: { outputTokens: 500 } }]);
    expect([budget.held, provider.seen.length]).toEqual([0, 1]);
    await eventually("the connection is closed from this side", () => way.open() === 0);
  });

  for (const [how, code, idleMsMax] of [
    ["drop", "timed_out", SILENT_MS_MAX],
    ["reset", "upstream_failed", 20_000],
  ] as const) {
    test(`mid-stream (${how}): an error event and never an end, charged at least what was passed on, not tried again`, async () => {
      const stream = writableStream();
      const provider = keep(startProvider(() => stream.response()));
      const way = keep(await startTcpProxy(provider.url));
      const budget = new MemoryBudget();
      const limits = { idleMsMax, retriesMax: 2 };
      const second = targetOf(provider.url, { connectionId: 2 });
      const broker = keep(startBroker(way.url, { budget, limits, fallbacks: [second] }));
      stream.write(Array.from({ length: 20 }, (_, at) => chunk(`word ${at}`)).join(""));
      const reader = (await broker.post(STREAM)).body?.getReader();
      let text = "";
      while (!text.includes("word 19")) {
        const read = await reader?.read();
        if (read?.value === undefined) throw new Error(`the stream ended early: ${text}`);
        text += Buffer.from(read.value).toString();
      }
      if (how === "drop") way.set("drop");
      else way.reset();
      stream.write(chunk("lost") + USAGE_CHUNK + DONE_CHUNK);
      if (how === "reset") stream.close();
      let rest = "";
      for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
        rest += Buffer.from(read.value).toString();
      }
      expect(rest).not.toContain("lost");
      expect(lastError(rest)).toBe(code);
      expect(budget.charges).toMatchObject([{ estimated: true }]);
      expect(budget.charges[0]?.usage.outputTokens).toBeGreaterThanOrEqual(20);
      expect([budget.held, provider.seen.length]).toEqual([0, 1]);
      expect(broker.usage).toMatchObject([{ tries: 1, targetIndex: 0 }]);
      await eventually("the connection is closed from this side", () => way.open() === 0);
    });
  }

  test("half-open between two calls: a kept connection that is dead costs a try, not the call", async () => {
    const provider = keep(startProvider(() => Response.json(REPLY)));
    const way = keep(await startTcpProxy(provider.url));
    const broker = keep(startBroker(way.url, { limits: { retriesMax: 2 } }));
    for (let turn = 0; turn < 5; turn++) {
      expect((await broker.post(QUESTION)).status).toBe(200);
      way.reset();
    }
    expect(broker.usage.map(({ status, estimated }) => [status, estimated])).toEqual(
      Array(5).fill([200, false]),
    );
    expect(broker.usage.every(({ usage }) => sumOf(usage) === 16)).toBe(true);
  });

  test("half-open and silent: the call on the dead connection ends in time, the next one goes through", async () => {
    const provider = keep(startProvider(() => Response.json(REPLY)));
    const way = keep(await startTcpProxy(provider.url));
    const broker = keep(startBroker(way.url, { limits: { headerMsMax: SILENT_MS_MAX } }));
    expect((await broker.post(QUESTION)).status).toBe(200);
    way.set("drop");
    expect(await refusal(await broker.post(QUESTION))).toEqual([504, "timed_out"]);
    way.set("pass");
    await eventually("the way is found again", async () => (await broker.post(QUESTION)).status === 200);
  });
});
