import { afterEach, expect, test } from "bun:test";
import { dropEarlyAnswers, takeEarlyAnswer } from "./early-answers.ts";

afterEach(() => {
  globalThis.earlyAnswers = undefined;
});

test("an early answer is for the first question of the app alone, whether it came before or after that", async () => {
  const answers = new Map([["/before", Promise.resolve(new Response("early"))]]);
  globalThis.earlyAnswers = answers;
  expect(await (await takeEarlyAnswer("/before"))?.text()).toBe("early");
  expect(await takeEarlyAnswer("/before")).toBeUndefined();
  expect(await takeEarlyAnswer("/after")).toBeUndefined();
  answers.set("/after", Promise.resolve(new Response("old by now")));
  expect(await takeEarlyAnswer("/after")).toBeUndefined();
});

test("one that failed is none, and after a change nothing is taken that was asked for before", async () => {
  const answers = new Map([
    ["/failed", Promise.reject(new Error("no answer"))],
    ["/changed", Promise.resolve(new Response("from before"))],
  ]);
  globalThis.earlyAnswers = answers;
  expect(await takeEarlyAnswer("/failed")).toBeUndefined();
  dropEarlyAnswers();
  expect(await takeEarlyAnswer("/changed")).toBeUndefined();
});
