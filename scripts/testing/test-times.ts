import { z } from "zod";

/** How long each test file took, ms by its path from the root; bun reads and writes it as `--timings`. */
export const TestTimes = z.object({ version: z.literal(1), files: z.record(z.string(), z.number().min(0)) });
export type TestTimes = z.infer<typeof TestTimes>;

/**
 * The times the order of the test files goes by: the slowest start first, so that none of them is left to run alone at the end.
 * Only the order matters, so it need not be renewed for every change; `npm test -- --save-times` writes it anew.
 */
export const TIMES_FILE = "scripts/testing/test-times.json";
/** Below this a file's place in the order makes no difference, ms; it is left out of the committed table. */
const WORTH_MS = 1_000;

/** @throws Error when it is there and is not what bun writes */
export async function readTimes(path: string): Promise<TestTimes> {
  const file = Bun.file(path);
  return (await file.exists()) ? TestTimes.parse(await file.json()) : { version: 1, files: {} };
}

/** The longer time of each file that ran in several groups. */
export function longestTimes(all: readonly TestTimes[]): TestTimes {
  const files: Record<string, number> = {};
  for (const [file, ms] of all.flatMap((times) => Object.entries(times.files)))
    files[file] = Math.max(files[file] ?? 0, ms);
  return { version: 1, files };
}

/** As it is committed: what is worth ordering, by name, in tenths of a second, so that little changes from one time to the next. */
export function writeTimes(times: TestTimes): string {
  const worth = Object.entries(times.files)
    .filter(([, ms]) => ms >= WORTH_MS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, ms]) => [file, Math.round(ms / 100) * 100]);
  return `${JSON.stringify({ version: 1, files: Object.fromEntries(worth) }, null, 2)}\n`;
}

/** The slowest files, a line each, for whoever wants the tests faster. */
export function slowestLines(times: TestTimes, count: number): string[] {
  return Object.entries(times.files)
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([file, ms]) => `${(ms / 1_000).toFixed(1).padStart(7)} s  ${file}`);
}
