import type { Figure } from "./figure.ts";

const HEAD = ["benchmark", "figure", "value", "beside", "value", "ratio", "bar", ""];

/**
 * All figures of a run as one table for a reader: each with its floor or peer, and whether its bar holds.
 * @returns its lines, columns aligned, the first two of them the head
 */
export function figureTable(figures: readonly Figure[]): string[] {
  const rows = figures.map((figure) => [
    figure.bench,
    figure.metric,
    withUnit(figure.value, figure.unit),
    figure.reference ?? "",
    figure.referenceValue === null ? "" : withUnit(figure.referenceValue, figure.unit),
    figure.ratio === null ? "" : `${figure.ratio}×`,
    barOf(figure),
    figure.bar === null ? "" : figure.holds ? "holds" : "MISSED",
  ]);
  const widths = HEAD.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(HEAD), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)];
}

function barOf({ bar, barOn, unit, slowness }: Figure): string {
  if (bar === null) return "";
  if (barOn === "ratio") return `≤ ${bar}×`;
  return slowness === 1 ? `≤ ${withUnit(bar, unit)}` : `≤ ${withUnit(bar, unit)} × ${slowness}`;
}

function withUnit(value: number, unit: string): string {
  return `${Number(value.toPrecision(4)).toLocaleString("en-US", { maximumFractionDigits: 3 })} ${unit}`;
}
