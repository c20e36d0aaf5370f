/** What budgets count, both whole numbers. Without a price a call costs nothing that is known, so 0. */
export interface Amount {
  /** Input and output alike. */
  tokens: number;
  /** Micro-dollars. */
  cost: number;
}

export const NOTHING: Amount = { tokens: 0, cost: 0 };
export const MEASURES = ["tokens", "cost"] as const;
export type Measure = (typeof MEASURES)[number];

/** A new amount, each measure by itself. */
export function combine(a: Amount, b: Amount, rule: (a: number, b: number) => number): Amount {
  return { tokens: rule(a.tokens, b.tokens), cost: rule(a.cost, b.cost) };
}

/** Tokens and cost by themselves. */
export const plus = (a: Amount, b: Amount): Amount => combine(a, b, (x, y) => x + y);
/** May be below nothing. */
export const minus = (a: Amount, b: Amount): Amount => combine(a, b, (x, y) => x - y);
/** The smaller one of each measure. */
export const least = (a: Amount, b: Amount): Amount => combine(a, b, Math.min);

/** What is below nothing becomes nothing. */
export function atLeastNothing(a: Amount): Amount {
  return combine(a, NOTHING, Math.max);
}

/** Tokens and cost, so often. */
export function times(a: Amount, n: number): Amount {
  return { tokens: a.tokens * n, cost: a.cost * n };
}

/** Whether there is as much of both in the first as in the second. */
export function covers(a: Amount, b: Amount): boolean {
  return a.tokens >= b.tokens && a.cost >= b.cost;
}

/** Neither tokens nor cost. */
export function isNothing(a: Amount): boolean {
  return a.tokens === 0 && a.cost === 0;
}
