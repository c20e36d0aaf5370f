import { z } from "zod";

/** A calendar month in UTC as budgets name it: `2026-11`. */
export const BudgetMonth = z.string().regex(/^20[0-9]{2}-(0[1-9]|1[0-2])$/, "a month such as 2026-11");

export function monthOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 7);
}

/** First millisecond of the month and first of the next. */
export function spanOf(month: string): { fromMs: number; toMs: number } {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return { fromMs: Date.UTC(year, number - 1), toMs: Date.UTC(year, number) };
}

/** `November 2026`. */
export function monthName(month: string): string {
  const at = new Date(spanOf(month).fromMs);
  return at.toLocaleString("en-US", { month: "long", year: "numeric", timeZone: "UTC" });
}
