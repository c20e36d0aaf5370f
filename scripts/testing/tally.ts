import type { TestCase } from "./junit.ts";

/** What a test process left behind. */
export interface ProcessOutcome {
  /** Files it was given. */
  files: readonly string[];
  /** The report; undefined when it wrote none, which is what a crash looks like. */
  cases: readonly TestCase[] | undefined;
  exitCode: number;
  /** Killed because it took too long. */
  timedOut: boolean;
}

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** A sentence for each failure that is not a failing test, and the name of each failing or skipped one. */
  notes: string[];
}

/**
 * Counts one process's tests. Nothing that went wrong may look green: a missing report, a file that is not in it, a bad
 * exit code without a failing test, and a skipped test where `skipsAllowed` is false count as one failure each.
 */
export function tally(outcome: ProcessOutcome, skipsAllowed: boolean): Tally {
  const cases = outcome.cases ?? [];
  const of = (kind: TestCase["outcome"]) => cases.filter((test) => test.outcome === kind);
  const skipped = of("skipped");
  const broken = brokenFiles(outcome, of("failed").length);
  const notes = [
    ...broken,
    ...of("failed").map((test) => `failed: ${test.file}: ${test.name}`),
    ...skipped.map((test) => `skipped: ${test.file}: ${test.name}`),
  ];
  return {
    passed: of("passed").length,
    failed: of("failed").length + broken.length + (skipsAllowed ? 0 : skipped.length),
    skipped: skipsAllowed ? skipped.length : 0,
    notes,
  };
}

function brokenFiles(outcome: ProcessOutcome, failedTests: number): string[] {
  if (outcome.cases === undefined) {
    const why = outcome.timedOut
      ? "was killed because it took too long"
      : `ended with exit code ${outcome.exitCode}`;
    return [`broken: the test process ${why} and left no report`];
  }
  const seen = new Set(outcome.cases.map((test) => test.file));
  const absent = outcome.files.filter((file) => !seen.has(file));
  const broken = absent.map(
    (file) => `broken: ${file}: no test of this file ran (it could not be loaded, or has none)`,
  );
  if (outcome.timedOut) broken.push("broken: the test process was killed because it took too long");
  else if (outcome.exitCode !== 0 && failedTests === 0 && broken.length === 0) {
    broken.push(`broken: every test passed, yet the test process ended with exit code ${outcome.exitCode}`);
  }
  return broken;
}

/** All tests of several processes, notes in their order. */
export function sum(tallies: readonly Tally[]): Tally {
  const total: Tally = { passed: 0, failed: 0, skipped: 0, notes: [] };
  for (const one of tallies) {
    total.passed += one.passed;
    total.failed += one.failed;
    total.skipped += one.skipped;
    total.notes.push(...one.notes);
  }
  return total;
}

/** The last line of `npm test`. */
export function tallyLine(total: Tally): string {
  const line = `${total.passed} passed, ${total.failed} failed`;
  return total.skipped > 0 ? `${line}, ${total.skipped} skipped` : line;
}
