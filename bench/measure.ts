import { assert } from "@windshift/contract/app-error.ts";

/** Values of one thing measured several times, all in one unit. */
export type Sample = readonly number[];

/** The middle value, or the mean of both; of at least one. */
export function median(sample: Sample): number {
  assert(sample.length > 0, "a median of nothing was asked for");
  const sorted = [...sample].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The median, and the median distance from it: neither is moved by a few samples that a busy machine spoiled. */
export function summarize(sample: Sample): { median: number; spread: number } {
  const middle = median(sample);
  return { median: middle, spread: median(sample.map((value) => Math.abs(value - middle))) };
}

/**
 * Measures two things in turn, changing who goes first, so that whatever else the machine does hits both alike. One
 * round before the counted ones warms both up.
 */
export async function interleaved<A, B>(
  rounds: number,
  subject: (round: number) => Promise<A>,
  floor: (round: number) => Promise<B>,
): Promise<{ subject: A[]; floor: B[] }> {
  const subjects: A[] = [];
  const floors: B[] = [];
  for (let round = 0; round <= rounds; round++) {
    if (round % 2 === 0) floors.push(await floor(round));
    subjects.push(await subject(round));
    if (round % 2 !== 0) floors.push(await floor(round));
  }
  return { subject: subjects.slice(1), floor: floors.slice(1) };
}

/**
 * Measures any number of things in turn, another one going first in each round, for the same reason. One round before the
 * counted ones warms all of them up.
 * @returns the samples of each, in the order of `subjects`
 */
export async function inTurn<T>(
  rounds: number,
  subjects: readonly ((round: number) => Promise<T>)[],
): Promise<T[][]> {
  const samples: T[][] = subjects.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const position of subjects.keys()) {
      const at = (round + position) % subjects.length;
      const sample = await subjects[at]?.(round);
      if (round > 0 && sample !== undefined) samples[at]?.push(sample);
    }
  }
  return samples;
}

/** @returns how long `work` took, ms */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
