import { expect, test } from "bun:test";
import { TurnQueue } from "./turn-queue.ts";

const never = new AbortController().signal;

test("turns go round among those who wait", async () => {
  const turns = new TurnQueue(1);
  const first = await turns.take(1, never);
  const order: string[] = [];
  const all = [
    [1, "a1"],
    [1, "a2"],
    [1, "a3"],
    [2, "b1"],
  ] as const;
  const waits = all.map(async ([who, name]) => {
    const done = await turns.take(who, never);
    order.push(name);
    done();
  });
  first();
  first();
  await Promise.all(waits);
  expect(order).toEqual(["a1", "b1", "a2", "a3"]);
  expect(turns.taken).toBe(0);
});

test("who leaves the queue takes no turn", async () => {
  const turns = new TurnQueue(1);
  const first = await turns.take(1, never);
  const leaving = new AbortController();
  const left = turns.take(2, leaving.signal);
  const next = turns.take(3, never);
  leaving.abort();
  await expect(left).rejects.toThrow();
  first();
  (await next)();
  expect(turns.taken).toBe(0);
  await expect(turns.take(1, leaving.signal)).rejects.toThrow();
});
