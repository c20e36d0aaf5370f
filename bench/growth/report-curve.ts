import type { BenchReport } from "../bench.ts";
import { type Curve, curveLines, curveRow, growthFigure, type Point } from "./curve.ts";

export type { Point } from "./curve.ts";

/**
 * Tells a curve to the person who waits, its two ends as a figure, and all of it as a row of the table of its dimension.
 * @param shape `isFloor`: measured to compare with, so no bar is on it
 */
export function reportCurve(
  report: BenchReport,
  metric: string,
  shape: Pick<Curve, "unit" | "of" | "costOf"> & { resolution?: number; isFloor?: true },
  points: readonly Point[],
): void {
  const { isFloor, ...about } = shape;
  const curve: Curve = { bench: "growth", metric, resolution: 0, ...about };
  for (const line of curveLines(curve, points)) report.progress(line);
  if (points.length < 2) return;
  const figure = growthFigure(curve, points);
  report.figure(isFloor ? { ...figure, bar: null, holds: true } : figure);
  const { head, row } = curveRow(curve, points, isFloor ? "a floor" : figure.holds ? "holds" : "MISSED");
  report.row(head, row);
}

/** The sizes that are measured: those that are asked for, the smallest always. */
export function sizesUpTo(sizes: readonly number[], { sizeMax }: Pick<BenchReport, "sizeMax">): number[] {
  return sizes.filter((size, at) => at === 0 || size <= sizeMax);
}
