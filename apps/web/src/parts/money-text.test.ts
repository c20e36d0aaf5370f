import { expect, test } from "bun:test";
import { ApiError } from "../api/api.ts";
import { countTyped, dollarAmount, dollarsTyped, dollarText, tokenText } from "./money-text.ts";

test("money is read and written exact to the micro-dollar", () => {
  for (const [typed, micros] of [
    ["", null],
    ["2.5", 2_500_000],
    ["$12", 12_000_000],
    ["0.000015", 15],
    ["3.", 3_000_000],
  ] as const)
    expect([typed, dollarsTyped(typed, "price")]).toEqual([typed, micros]);
  expect([dollarAmount(2_500_000), dollarAmount(15), dollarAmount(null)]).toEqual(["2.50", "0.000015", ""]);
  expect([dollarText(1_234_500_000), dollarText(15)]).toEqual(["$1,234.50", "$0.000015"]);
});

test("what is no amount names its field, as the server would", () => {
  for (const typed of ["-1", "1.0000001", "much", "1,5"])
    try {
      dollarsTyped(typed, "budget.run.cost_micros_max");
      expect(typed).toBe("refused");
    } catch (error) {
      expect(error).toBeInstanceOf(ApiError);
      expect((error as ApiError).fields).toHaveProperty(["budget.run.cost_micros_max"]);
    }
});

test("counts may be written in groups", () => {
  expect([countTyped("1,000 000", "t"), countTyped("", "t")]).toEqual([1_000_000, null]);
  expect(() => countTyped("1.5", "t")).toThrow("a whole number");
  expect([tokenText(1), tokenText(2_000)]).toEqual(["1 token", "2,000 tokens"]);
});
