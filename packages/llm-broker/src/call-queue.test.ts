import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { CallQueue, type Slot } from "./call-queue.ts";
import { QUESTION, startBroker, startProvider } from "./llm-broker.fixture.ts";
import { QUEUE_RETRY_AFTER_S } from "./llm-limits.ts";

const LIMITS = { queuedCallsMax: 10, queuedCallsPerRunMax: 4 };
const never = new AbortController().signal;

/** Enters calls and notes the order in which they start. */
function line(max: number) {
  const queue = new CallQueue(LIMITS);
  const started: { name: string; slot: Slot }[] = [];
  const enter = async (name: string, run: number, signal = never) => {
    const slot = await queue.enter(1, max, run, signal);
    if (slot === "full" || slot === "left") return slot;
    started.push({ name, slot });
    return "started";
  };
  return { queue, started, enter, names: () => started.map(({ name }) => name) };
}

test("lets so many calls through at once, and each end lets in the next", async () => {
  const { enter, started, names } = line(2);
  const all = ["a", "b", "c"].map((name) => enter(name, 1));
  await Promise.all(all.slice(0, 2));
  expect(names()).toEqual(["a", "b"]);
  started[0]?.slot.release();
  started[0]?.slot.release(); // a second time gives nothing back
  await all[2];
  expect(names()).toEqual(["a", "b", "c"]);
});

test("runs take turns, each run's own calls in their order", async () => {
  const { enter, started, names } = line(1);
  const all = [enter("first", 9)];
  for (const name of ["a1", "a2", "a3"]) all.push(enter(name, 1));
  for (const name of ["b1", "b2"]) all.push(enter(name, 2));
  for (let at = 0; at < all.length; at++) {
    await eventually("the next call starts", () => started.length === at + 1);
    started[at]?.slot.release();
  }
  expect(names()).toEqual(["first", "a1", "b1", "a2", "b2", "a3"]);
});

test("a call that is given up leaves the line, and one too many is turned away", async () => {
  const { enter, started, names } = line(1);
  await enter("first", 1);
  const leaving = new AbortController();
  const left = enter("left", 2, leaving.signal);
  const staying = enter("staying", 2);
  leaving.abort();
  expect(await left).toBe("left");
  for (let at = 0; at < 3; at++) void enter(`more ${at}`, 2);
  expect(await enter("fifth of its run", 2)).toBe("full");
  for (let at = 0; at < 6; at++) void enter(`other ${at}`, 3 + at);
  expect(await enter("eleventh of all", 99)).toBe("full");
  started[0]?.slot.release();
  expect(await staying).toBe("started");
  expect(names()).toEqual(["first", "staying"]);
});

test("other connections and calls without a limit do not wait", async () => {
  const { queue, enter } = line(1);
  await enter("first", 1);
  expect(await queue.enter(2, 1, 1, never)).toHaveProperty("release");
  expect(await queue.enter(1, null, 1, never)).toHaveProperty("release");
});

test("the broker holds a connection to its limit, and says when to come back", async () => {
  const gate = Promise.withResolvers<void>();
  const provider = startProvider(async () => {
    await gate.promise;
    return Response.json({ choices: [] });
  });
  const broker = startBroker(provider.url, {
    target: { concurrencyMax: 1 },
    limits: { queuedCallsPerRunMax: 2 },
  });
  try {
    const first = broker.post(QUESTION);
    await eventually("the first call is out", () => provider.seen.length === 1);
    const more = [1, 2, 3].map((name) => {
      const caller = new AbortController();
      const call = broker.post(QUESTION, { signal: caller.signal }).catch(() => undefined);
      return { name, caller, call: call.then((response) => ({ name, response })) };
    });
    const refused = await Promise.race(more.map(({ call }) => call));
    expect(refused.response?.status).toBe(429);
    expect(refused.response?.headers.get("retry-after")).toBe(String(QUEUE_RETRY_AFTER_S));
    const [leaving, staying] = more.filter(({ name }) => name !== refused.name);
    leaving?.caller.abort();
    expect((await leaving?.call)?.response).toBeUndefined();
    expect(provider.seen).toHaveLength(1);
    gate.resolve();
    expect((await first).status).toBe(200);
    expect((await staying?.call)?.response?.status).toBe(200);
  } finally {
    await broker.close();
    await provider.close();
  }
});
