import { expect, test } from "bun:test";
import { PICTURE_TOKENS, TokenEstimate } from "./token-estimate.ts";

const load = (weight: number, pictures = 0) => ({ weight, pictures });

test("what the provider counted is taken at its word, what came since with a margin", () => {
  const estimate = new TokenEstimate();
  estimate.learn(1_500, load(1_000));
  expect(estimate.tokens(load(1_000))).toBe(1_500);
  expect(estimate.tokens(load(1_100))).toBe(1_500 + Math.ceil(100 * 1.5 * 1.25));
});

test("before the first figure everything has the margin", () => {
  expect(new TokenEstimate().tokens(load(1_000))).toBe(1_250);
});

test.each([0, 1, 400, 5_000, 1e9, Number.NaN])("a figure of %d for a thousand is left aside", (tokens) => {
  const estimate = new TokenEstimate();
  estimate.learn(tokens, load(1_000));
  expect(estimate.tokens(load(1_000))).toBe(1_250);
});

test("a longer request cannot have had fewer tokens, as when cached ones are left out; said twice it has", () => {
  const estimate = new TokenEstimate();
  estimate.learn(1_000, load(1_000));
  estimate.learn(700, load(1_200));
  expect(estimate.tokens(load(1_200))).toBe(1_250);
  estimate.learn(710, load(1_210));
  expect(estimate.tokens(load(1_210))).toBe(710);
});

test("less is taken off for what is gone than is put on for what is new", () => {
  const estimate = new TokenEstimate();
  estimate.learn(1_000, load(1_000));
  estimate.removed(load(500));
  expect(estimate.tokens(load(500))).toBe(600);
});

test("pictures count by the piece, and what a provider takes for them does not change the measure of text", () => {
  const estimate = new TokenEstimate();
  expect(estimate.tokens(load(0, 2))).toBe(2 * PICTURE_TOKENS);
  estimate.learn(2_000, load(1_000, 1));
  expect(estimate.tokens(load(1_100, 2))).toBe(2_000 + 125 + PICTURE_TOKENS);
});
