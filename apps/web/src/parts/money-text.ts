import { COST_MICROS_PER_DOLLAR } from "@windshift/contract/budget.ts";
import { ApiError } from "../api/api.ts";
import { countText } from "./count-text.ts";

/** Micro-dollars as a field has them: `2.50`, exact to the micro-dollar; empty for none. */
export function dollarAmount(micros: number | null): string {
  if (micros === null) return "";
  const parts = String(micros % COST_MICROS_PER_DOLLAR).padStart(6, "0");
  return `${Math.floor(micros / COST_MICROS_PER_DOLLAR)}.${parts.replace(/0{1,4}$/, "")}`;
}

/** The same to be read: `$1,234.50`. What is under a cent shows its micro-dollars. */
export function dollarText(micros: number): string {
  const [whole = "0", parts = "00"] = dollarAmount(micros).split(".");
  return `$${Number(whole).toLocaleString("en-US")}.${parts}`;
}

/** A count with its unit: `1 token`, and others as `countText` writes them. */
export function tokenText(tokens: number): string {
  return `${countText(tokens)} ${tokens === 1 ? "token" : "tokens"}`;
}

/**
 * Micro-dollars that somebody typed as dollars; null for an empty field.
 * @throws ApiError naming the field, as the server would
 */
export function dollarsTyped(text: string, path: string): number | null {
  const typed = text.trim().replace(/^\$/, "");
  if (typed === "") return null;
  if (!/^\d{1,9}(?:\.\d{0,6})?$/.test(typed))
    throw fieldProblem(path, "dollars such as 12.50, at most 6 digits after the point");
  const [whole = "0", parts = ""] = typed.split(".");
  return Number(whole) * COST_MICROS_PER_DOLLAR + Number(parts.padEnd(6, "0"));
}

/**
 * A whole number that somebody typed; null for an empty field.
 * @throws ApiError naming the field, as the server would
 */
export function countTyped(text: string, path: string): number | null {
  const typed = text.replace(/[\s,_]/g, "");
  if (typed === "") return null;
  if (!/^\d{1,15}$/.test(typed)) throw fieldProblem(path, "a whole number such as 100000");
  return Number(typed);
}

/** What the server says of a field, said before anything was sent. */
export function fieldProblem(path: string, message: string): ApiError {
  return new ApiError("invalid_input", 400, `${path}: ${message}`, { [path]: message });
}
