import { expect, test } from "bun:test";
import { SharedReads } from "./shared-reads.ts";

test("what many want in the same moment is read once, and for each key by itself", async () => {
  const reads = new SharedReads<string>();
  const made: string[] = [];
  const read = (key: string) =>
    reads.read(key, async () => {
      made.push(key);
      return `of ${key}`;
    });
  expect(await Promise.all([read("a"), read("a"), read("b"), read("a")])).toEqual([
    "of a",
    "of a",
    "of b",
    "of a",
  ]);
  expect(made).toEqual(["a", "b"]);
});

test("who comes when a read has begun gets one of its own", async () => {
  const reads = new SharedReads<number>();
  let begun = 0;
  const held = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const first = reads.read("a", async () => {
    started.resolve();
    const mine = ++begun;
    await held.promise;
    return mine;
  });
  await started.promise;
  expect(await reads.read("a", async () => ++begun)).toBe(2);
  held.resolve();
  expect(await first).toBe(1);
});

test("a read that fails does so for all that share it, and the next is made anew", async () => {
  const reads = new SharedReads<number>();
  const fails = () => reads.read("a", () => Promise.reject(new Error("gone")));
  const [one, other] = await Promise.allSettled([fails(), fails()]);
  expect([one.status, other.status]).toEqual(["rejected", "rejected"]);
  expect(await reads.read("a", async () => 3)).toBe(3);
});
