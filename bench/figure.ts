import { z } from "zod";
import { type Sample, summarize } from "./measure.ts";

/** One line on standard output: what was measured, beside what, and whether the bar holds. */
export const Figure = z.strictObject({
  bench: z.string(),
  metric: z.string(),
  /** Median of the samples. */
  value: z.number(),
  unit: z.enum(["ms", "µs", "MB", "bytes"]),
  /** What was measured in the same run to compare with; null where there is nothing. */
  reference: z.string().nullable(),
  referenceValue: z.number().nullable(),
  /** `value / referenceValue`. */
  ratio: z.number().nullable(),
  /** The most that `barOn` may be; null for what is measured only to be compared. Source: docs/performance.md. */
  bar: z.number().nullable(),
  barOn: z.enum(["value", "ratio"]),
  /** How many times slower this machine did what needs none of our code than the machine on which the bar was written; 1 where that is not looked at, or it was no slower. */
  slowness: z.number().min(1),
  /** Whether `value` (or `ratio`) is at most `bar` times `slowness`. */
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
  bar: number | null;
}

/** What was sampled in turn with the subject. */
export interface Reference {
  name: string;
  samples: Sample;
}

/** What the floor of a bar was where the bar was written, and what the same is here, measured in turn with the subject. */
export interface Yardstick {
  /** In the unit of `here`. Source: PERFORMANCE. */
  atBar: number;
  here: Sample;
}

/**
 * How far a bar is stretched at most: nginx took three times as long in the slowest hour in which bars were held. A yardstick of tenths
 * of a millisecond may come out ten times as long for once, and a bar of ten times its length would hold whatever we did.
 */
const SLOWNESS_MAX = 3;

/**
 * A figure whose bar is on the value; a reference beside it is for the reader. With a yardstick the bar is stretched as far as the
 * machine is slower than the one the bar was written on, within SLOWNESS_MAX, and never tightened: what counts is the distance to the floor.
 */
export function absoluteFigure(
  subject: Subject,
  samples: Sample,
  beside?: Reference,
  yardstick?: Yardstick,
): Figure {
  const { median } = summarize(samples);
  const slower = yardstick === undefined ? 1 : summarize(yardstick.here).median / yardstick.atBar;
  const slowness = Math.min(Math.max(1, slower), SLOWNESS_MAX);
  return {
    ...measured(subject, samples, beside),
    barOn: "value",
    slowness: rounded(slowness),
    holds: subject.bar === null || median <= subject.bar * slowness,
  };
}

/** A figure whose bar is on the ratio to a reference that was sampled in turn with it. */
export function relativeFigure(subject: Subject, samples: Sample, reference: string, floor: Sample): Figure {
  const ratio = summarize(samples).median / summarize(floor).median;
  return {
    ...measured(subject, samples, { name: reference, samples: floor }),
    barOn: "ratio",
    slowness: 1,
    holds: subject.bar === null || ratio <= subject.bar,
  };
}

function measured(
  subject: Subject,
  samples: Sample,
  reference: Reference | undefined,
): Omit<Figure, "barOn" | "slowness" | "holds"> {
  const own = summarize(samples);
  const other = reference === undefined ? undefined : summarize(reference.samples);
  return {
    ...subject,
    value: rounded(own.median),
    reference: reference?.name ?? null,
    referenceValue: other === undefined ? null : rounded(other.median),
    ratio: other === undefined ? null : rounded(own.median / other.median, 3),
    samples: samples.length,
    spread: rounded(own.spread),
    referenceSpread: other === undefined ? null : rounded(other.spread),
    least: rounded(Math.min(...samples)),
    referenceLeast: reference === undefined ? null : rounded(Math.min(...reference.samples)),
  };
}

/** Two digits: the processor time of a turn is a few ms. */
function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
