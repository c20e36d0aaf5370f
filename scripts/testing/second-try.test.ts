import { expect, test } from "bun:test";
import type { TestCase } from "./junit.ts";
import { afterSecondTry, filesToTryAgain } from "./second-try.ts";
import { type ProcessOutcome, tally } from "./tally.ts";

const one = (file: string, name: string, outcome: TestCase["outcome"]): TestCase => ({ file, name, outcome });
const FIRST: ProcessOutcome = {
  files: ["a.test.ts", "b.test.ts"],
  cases: [one("a.test.ts", "x", "passed"), one("a.test.ts", "y", "failed"), one("b.test.ts", "z", "passed")],
  exitCode: 1,
  timedOut: false,
};
const second = (outcome: TestCase["outcome"], exitCode: number): ProcessOutcome => ({
  files: ["a.test.ts"],
  cases: [one("a.test.ts", "x", "passed"), one("a.test.ts", "y", outcome)],
  exitCode,
  timedOut: false,
});

test("a file that passes alone counts as passed and is named", () => {
  expect(filesToTryAgain(FIRST)).toEqual(["a.test.ts"]);
  const { outcome, notes } = afterSecondTry(FIRST, second("passed", 0));
  expect(tally(outcome, false)).toMatchObject({ passed: 3, failed: 0 });
  expect(notes).toEqual(["unsteady: a.test.ts: y: failed beside others and passed alone; mend it"]);
});

test("a file that fails alone too stays failed, and so does one whose process did", () => {
  expect(tally(afterSecondTry(FIRST, second("failed", 1)).outcome, false)).toMatchObject({
    passed: 2,
    failed: 1,
  });
  const crashed = { ...second("passed", 0), cases: undefined, exitCode: 139 };
  expect(tally(afterSecondTry(FIRST, crashed).outcome, false).failed).toBe(1);
  const odd = afterSecondTry(FIRST, second("passed", 1)).outcome;
  expect(tally(odd, false).failed).toBeGreaterThan(0);
});

test("nothing is tried again when much fails or the process did not end", () => {
  const many = [..."abcdefghi"].map((name) => one(`${name}.test.ts`, "x", "failed"));
  expect(filesToTryAgain({ ...FIRST, cases: many })).toEqual([]);
  expect(filesToTryAgain({ ...FIRST, timedOut: true })).toEqual([]);
  expect(filesToTryAgain({ ...FIRST, cases: undefined })).toEqual([]);
});
