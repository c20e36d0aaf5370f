import { expect, test } from "bun:test";
import { DrainWish } from "./drain-wish.ts";

test("what an administrator wants is told when it changes, not with each heartbeat", () => {
  const told: string[] = [];
  const write = (message: string) => void told.push(message);
  const wish = new DrainWish({ info: write, warn: write, error: write });
  const stood = [false, true, true, true, false, false, true].map((drain) => {
    wish.heard(drain);
    return wish.stands;
  });
  expect(stood).toEqual([false, true, true, true, false, false, true]);
  wish.workCame();
  wish.workCame();
  expect(wish.stands).toBe(false);
  expect(told.map((line) => line.includes("no more"))).toEqual([true, false, true, false]);
});
