import { expect, test } from "bun:test";
import { FACT_MS_MAX, RecentFacts } from "./recent-facts.ts";

let nowMs = 0;
const answers: (string | undefined)[] = [];
let asked = 0;
const check = async () => {
  asked++;
  return answers.shift();
};

test("a fact is asked once and again when it is old, a problem every time, and all after they are forgotten", async () => {
  const facts = new RecentFacts(() => nowMs);
  answers.push("missing", "missing", undefined, undefined, "missing");
  expect(await facts.problem("image", check)).toBe("missing");
  expect(facts.forget()).toBe(false);
  expect(await facts.problem("image", check)).toBe("missing");
  expect(await facts.problem("image", check)).toBeUndefined();
  nowMs = FACT_MS_MAX - 1;
  expect(await facts.problem("image", check)).toBeUndefined();
  expect(asked).toBe(3);
  nowMs = FACT_MS_MAX;
  expect(await facts.problem("image", check)).toBeUndefined();
  expect(asked).toBe(4);
  expect(facts.forget()).toBe(true);
  expect(await facts.problem("image", check)).toBe("missing");
});
