import { summarize } from "../measure.ts";
import type { BenchModel } from "./bench-model.ts";
import type { Harness, HarnessPlace } from "./harness.ts";
import { type HarnessRun, peakOfRun, timeRun } from "./harness-run.ts";

/** Commands of the long run; with the end that is 51 model calls. */
export const LONG_TURNS = 50;

/** A short run and a long one, timed and then once more watched: all there is to say of a harness in one round. */
export interface HarnessSample {
  /** One command and the end: two model calls. */
  short: HarnessRun;
  long: HarnessRun;
  shortPeakMb: number;
  longPeakMb: number;
}

/** Four runs of a harness, one after another: short and long for their times, and both again for their memory. */
export async function sampleHarness(
  harness: Harness,
  place: HarnessPlace,
  model: BenchModel,
): Promise<HarnessSample> {
  return {
    short: await timeRun(harness, place, model, 1),
    long: await timeRun(harness, place, model, LONG_TURNS),
    shortPeakMb: await peakOfRun(harness, place, model, 1),
    longPeakMb: await peakOfRun(harness, place, model, LONG_TURNS),
  };
}

/**
 * Processor time of one more turn: what the long run takes over the short one, so without starting. The harness, its
 * command and everything else it waited for; ms.
 */
export function turnCpuMs({ short, long }: HarnessSample): number {
  return (long.cpuMs - short.cpuMs) / (LONG_TURNS - 1);
}

/** Of the whole long run. */
export function allRequestBytes({ long }: HarnessSample): number {
  return long.requestBytes.reduce((sum, bytes) => sum + bytes, 0);
}

/** Of the first call of the short run: instructions and tools, before anything was done. NaN without a call. */
export function firstRequestBytes({ short }: HarnessSample): number {
  return short.requestBytes[0] ?? Number.NaN;
}

/** A line for the person who waits. */
export function told(name: string, samples: readonly HarnessSample[]): string {
  const of = (value: (sample: HarnessSample) => number) => summarize(samples.map(value)).median.toFixed(1);
  return `${name}: first request ${of((one) => one.short.toFirstRequestMs)} ms, 1 turn ${of((one) => one.short.wallMs)} ms, a turn ${of(turnCpuMs)} ms of processor, ${of((one) => one.longPeakMb)} MB`;
}
