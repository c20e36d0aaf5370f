import { z } from "zod";

/** A calendar month in UTC as budgets name it: `2026-11`. */
export const BudgetMonth = z.string().regex(/^20[0-9]{2}-(0[1-9]|1[0-2])$/, "a month such as 2026-11");

let last = { name: "", fromMs: 0, toMs: 0 };

/** Asked for each call of a model, and nearly always of the same month. */
export function monthOf(ms: number): string {
  if (ms < last.fromMs || ms >= last.toMs) {
    const name = new Date(ms).toISOString().slice(0, 7);
    last = { name, ...spanOf(name) };
  }
  return last.name;
}

/** First millisecond of the month and first of the next. */
export function spanOf(month: string): { fromMs: number; toMs: number } {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return { fromMs: Date.UTC(year, number - 1), toMs: Date.UTC(year, number) };
}

/** So many months, oldest first, up to this one. */
export function monthsUntil(month: string, count: number): string[] {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return Array.from({ length: count }, (_, n) => monthOf(Date.UTC(year, number - count + n)));
}

/** `November 2026`. */
export function monthName(month: string): string {
  const at = new Date(spanOf(month).fromMs);
  return at.toLocaleString("en-US", { month: "long", year: "numeric", timeZone: "UTC" });
}
