import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { Deadlines } from "./deadlines.ts";

test("each wait comes due once, in the order in which they began", async () => {
  const due: string[] = [];
  const deadlines = new Deadlines(20);
  deadlines.start(() => due.push("first"));
  await Bun.sleep(5);
  deadlines.start(() => due.push("second"));
  await eventually("both came due", () => due.length === 2);
  expect(due).toEqual(["first", "second"]);
  deadlines.start(() => due.push("third"));
  await eventually("a later one came due", () => due.length === 3);
  expect(due.at(-1)).toBe("third");
});

test("a wait that was ended never comes due, and those behind it do", async () => {
  const due: string[] = [];
  const deadlines = new Deadlines(20);
  const ended = deadlines.start(() => due.push("ended"));
  deadlines.start(() => due.push("waited for"));
  deadlines.end(ended);
  await eventually("the other came due", () => due.length > 0);
  expect(due).toEqual(["waited for"]);
});

test("a wait is never shorter than it was said", async () => {
  const deadlines = new Deadlines(30);
  const first = deadlines.start(() => {});
  await Bun.sleep(10);
  const startedMs = performance.now();
  const tookMs = new Promise<number>((resolve) =>
    deadlines.start(() => resolve(performance.now() - startedMs)),
  );
  deadlines.end(first); // the timer was set for this one, 10 ms before
  expect(await tookMs).toBeGreaterThanOrEqual(30);
});

test("one that comes due may start the next one", async () => {
  const due: number[] = [];
  const deadlines = new Deadlines(5);
  const next = (left: number) =>
    deadlines.start(() => {
      due.push(left);
      if (left > 0) next(left - 1);
    });
  next(2);
  await eventually("all came due", () => due.length === 3);
  expect(due).toEqual([2, 1, 0]);
});
