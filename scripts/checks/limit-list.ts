/** A named limit as it stands in the source. */
export interface Limit {
  name: string;
  value: number;
  /** `ms`, `bytes`, `characters`, `tokens`, `s`, or "" for a count. */
  unit: string;
  /** The comment above it; "" when there is none. */
  reason: string;
}

/** A constant counts as a limit when its name says so: a unit or an extreme among its words. */
const LIMIT_WORDS = new Set([
  "MS",
  "S",
  "SECONDS",
  "BYTES",
  "CHARS",
  "TOKENS",
  "MAX",
  "MIN",
  "LIMIT",
  "DEFAULT",
]);
const UNITS: Record<string, string> = {
  MS: "ms",
  S: "s",
  SECONDS: "s",
  BYTES: "bytes",
  CHARS: "characters",
  TOKENS: "tokens",
};

/**
 * Finds the limits of a source file: constants in capitals with a number for a value. A comment stands for every
 * constant that follows it without an empty line between.
 * @param known values of constants the file imports
 */
export function findLimits(source: string, known: ReadonlyMap<string, number> = new Map()): Limit[] {
  const values = new Map(known);
  const limits: Limit[] = [];
  let reason = "";
  for (const { comment, name, expression } of statements(source)) {
    if (comment !== undefined) reason = comment;
    if (name === undefined) continue;
    const value = evaluate(expression, values);
    if (value === undefined) continue;
    values.set(name, value);
    const words = name.split("_");
    const unit = words.map((word) => UNITS[word]).find((found) => found !== undefined) ?? "";
    if (words.some((word) => LIMIT_WORDS.has(word)) && !words.includes("PER"))
      limits.push({ name, value, unit, reason });
  }
  return limits;
}

interface Statement {
  comment: string | undefined;
  name: string | undefined;
  expression: string;
}

/** Comments and constants in order; anything else, and an empty line, ends what a comment stands for. */
function statements(source: string): Statement[] {
  const pattern =
    /^\/\*\*([\s\S]*?)\*\/\n|^((?:\/\/[^\n]*\n)+)|^(?:export )?const ([A-Z][A-Z0-9_]*)(?:: number)? =\s*([^;{[("'`]+);[^\n]*\n|^([^\n]*)\n/gm;
  const found: Statement[] = [];
  for (const [, block, lines, name, expression = ""] of source.matchAll(pattern)) {
    if (block !== undefined || lines !== undefined) {
      found.push({ comment: plain(block ?? lines ?? ""), name: undefined, expression });
    } else found.push({ comment: name === undefined ? "" : undefined, name, expression });
  }
  return found;
}

function plain(comment: string): string {
  return comment
    .split("\n")
    .map((line) => line.replace(/^\s*(?:\*|\/\/)\s?/, "").trim())
    .filter((line) => line !== "")
    .join(" ");
}

function evaluate(expression: string, values: ReadonlyMap<string, number>): number | undefined {
  const numeric = expression.replace(/[A-Z][A-Z0-9_]*/g, (name) => String(values.get(name) ?? name));
  if (!/^[\d_\s.*+/-]+$/.test(numeric)) return undefined;
  const value: unknown = new Function(`return (${numeric})`)();
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
