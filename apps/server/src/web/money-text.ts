import { COST_MICROS_PER_DOLLAR } from "@windshift/contract/budget.ts";

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

export function tokenText(tokens: number): string {
  return `${tokens.toLocaleString("en-US")} tokens`;
}
