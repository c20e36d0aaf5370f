import type { BenchReport } from "../bench.ts";
import { type Curve, curveLines, growthFigure, type Point } from "./curve.ts";

export type { Point } from "./curve.ts";

/** Tells a curve to the person who waits, and its two ends as a figure. */
export function reportCurve(
  report: BenchReport,
  metric: string,
  shape: Pick<Curve, "unit" | "of" | "costOf"> & { resolution?: number },
  points: readonly Point[],
): void {
  const curve: Curve = { bench: "growth", metric, resolution: 0, ...shape };
  for (const line of curveLines(curve, points)) report.progress(line);
  report.figure(growthFigure(curve, points));
}
