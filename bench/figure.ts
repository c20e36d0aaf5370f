import { z } from "zod";
import { type Sample, summarize } from "./measure.ts";

/** One line on standard output: what was measured, beside what, and whether the bar holds. */
export const Figure = z.strictObject({
  bench: z.string(),
  metric: z.string(),
  /** Median of the samples. */
  value: z.number(),
  unit: z.enum(["ms", "MB"]),
  /** What was measured in the same run to compare with; null when the bar is on the value itself. */
  reference: z.string().nullable(),
  referenceValue: z.number().nullable(),
  /** `value / referenceValue`. */
  ratio: z.number().nullable(),
  /** Largest `ratio` when there is a reference, else the largest `value`. Source: docs/performance.md. */
  bar: z.number(),
  holds: z.boolean(),
  samples: z.int().positive(),
  /** Median distance of the samples from their median, in `unit`; half of them lie within it. */
  spread: z.number(),
  referenceSpread: z.number().nullable(),
  /** Smallest sample: what a machine that does nothing else would show. */
  least: z.number(),
  referenceLeast: z.number().nullable(),
});
export type Figure = z.infer<typeof Figure>;

/** What a figure is about. */
export interface Subject {
  bench: string;
  metric: string;
  unit: Figure["unit"];
  bar: number;
}

/** A figure whose bar is on the value. */
export function absoluteFigure(subject: Subject, samples: Sample): Figure {
  const { median, spread } = summarize(samples);
  return {
    ...subject,
    value: rounded(median),
    reference: null,
    referenceValue: null,
    ratio: null,
    holds: median <= subject.bar,
    samples: samples.length,
    spread: rounded(spread),
    referenceSpread: null,
    least: rounded(Math.min(...samples)),
    referenceLeast: null,
  };
}

/** A figure whose bar is on the ratio to a reference that was sampled in turn with it. */
export function relativeFigure(subject: Subject, samples: Sample, reference: string, floor: Sample): Figure {
  const own = summarize(samples);
  const other = summarize(floor);
  const ratio = own.median / other.median;
  return {
    ...subject,
    value: rounded(own.median),
    reference,
    referenceValue: rounded(other.median),
    ratio: rounded(ratio, 3),
    holds: ratio <= subject.bar,
    samples: samples.length,
    spread: rounded(own.spread),
    referenceSpread: rounded(other.spread),
    least: rounded(Math.min(...samples)),
    referenceLeast: rounded(Math.min(...floor)),
  };
}

function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
