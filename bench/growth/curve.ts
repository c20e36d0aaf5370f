import { assert } from "@windshift/contract/app-error.ts";
import { type Figure, relativeFigure } from "../figure.ts";
import { median, type Sample } from "../measure.ts";

/** What something costs at one size. */
export interface Point {
  /** How many there are: hosts, runs, events, bytes, watchers. */
  size: number;
  /** Cost of all of them together, in the unit of the curve. */
  samples: Sample;
}

export interface Curve {
  bench: string;
  /** What costs how much, without the sizes. */
  metric: string;
  unit: Figure["unit"];
  /** Name of what is counted: `hosts`. */
  of: string;
  /**
   * `all`: the samples are what all of them cost together, and may grow as n log n. `one`: they are what one more costs where so
   * many are there, and may grow as log n.
   */
  costOf: "all" | "one";
  /** A cost below this is mostly noise, in `unit`; the curve is judged from a size above it on. */
  resolution: number;
}

/** A cost that grows exactly as allowed may be measured this much above it. */
const NOISE = 1.25;
/**
 * From this many times the smallest cost on, what grows outweighs what would be there anyway; beside a cost that is mostly fixed,
 * every growth would look harmless.
 */
const OUTWEIGHS = 3;

/**
 * The two ends of a curve as one figure: the cost of one at the largest size beside that at the smallest, and a bar that holds while
 * it grows no worse than n log n altogether.
 * @param points by size, the smallest first
 */
export function growthFigure(curve: Curve, points: readonly Point[]): Figure {
  const [first, last] = ends(curve, points);
  const each = (point: Point) =>
    point.samples.map((cost) => (curve.costOf === "all" ? cost / point.size : cost));
  const bar = Number(((log(last.size) / log(first.size)) * NOISE).toFixed(3));
  const subject = {
    bench: curve.bench,
    metric: `${curve.metric}, at ${sizeText(last.size)} ${curve.of}`,
    unit: curve.unit,
    bar,
  };
  return relativeFigure(subject, each(last), `at ${sizeText(first.size)} ${curve.of}`, each(first));
}

/** The curve for a reader: each size, its cost, and the power of the size that the cost grows with. */
export function curveLines(curve: Curve, points: readonly Point[]): string[] {
  const rows = points.map(({ size, samples }) => {
    const cost = median(samples);
    const one = curve.costOf === "all" ? `, ${digits(cost / size)} ${curve.unit} each` : "";
    return `  ${sizeText(size).padStart(12)} ${curve.of}: ${digits(cost)} ${curve.unit}${one}`;
  });
  return [`${curve.metric}: ${growthOf(curve, points)}`, ...rows];
}

/** The curve as a row of a table for a reader: the cost at each size, how it grows, whether that is no worse than n log n. */
export function curveRow(
  curve: Curve,
  points: readonly Point[],
  verdict: string,
): { head: string[]; row: string[] } {
  const costs = points.map(({ samples }) => `${digits(median(samples))} ${curve.unit}`);
  const sizes = points.map(({ size }) => sizeText(size));
  return {
    head: [`${curve.of}: what costs`, ...sizes, "all of it", "no worse than n log n"],
    row: [curve.metric, ...costs, growthOf(curve, points), verdict],
  };
}

function growthOf(curve: Curve, points: readonly Point[]): string {
  const telling = tellingPoints(curve, points);
  return telling.length < 2 ? "too little to tell" : `grows as n^${exponent(telling).toFixed(2)}`;
}

/** Slope of the straight line that fits best through the logarithms: 1 is linear, 0 does not grow. */
export function exponent(points: readonly Point[]): number {
  const at = points.map(({ size, samples }) => ({
    x: Math.log(size),
    y: Math.log(Math.max(median(samples), Number.MIN_VALUE)),
  }));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(at.map((point) => point.x));
  const y = mean(at.map((point) => point.y));
  const above = at.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0);
  return above / at.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
}

/** The largest size, and the smallest that says something beside it. */
function ends(curve: Curve, points: readonly Point[]): [Point, Point] {
  const telling = tellingPoints(curve, points);
  const last = points.at(-1);
  assert(last !== undefined && points.length > 1, "a curve has at least two points");
  const smaller = telling.filter((point) => point !== last);
  const fixed = OUTWEIGHS * median((points[0] ?? last).samples);
  const first = curve.costOf === "all" ? smaller.find(({ samples }) => median(samples) >= fixed) : undefined;
  return [first ?? smaller[0] ?? last, last];
}

function tellingPoints(curve: Curve, points: readonly Point[]): Point[] {
  return points.filter(({ samples }) => median(samples) >= curve.resolution);
}

/** Of one thing it is 1, so that a curve may begin there. */
function log(size: number): number {
  return Math.log2(1 + size);
}

function sizeText(size: number): string {
  return size.toLocaleString("en-US");
}

function digits(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumSignificantDigits: 3 });
}
