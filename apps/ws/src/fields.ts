/**
 * Answers are read field by field, what is missing as empty: `ws` of one version talks to servers of others, and starts too
 * often for a schema library.
 */
export function field(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

/** A field as text: numbers are written, everything else but text is empty. */
export function text(value: unknown, ...path: readonly string[]): string {
  const found = field(value, ...path);
  return typeof found === "string" ? found : typeof found === "number" ? String(found) : "";
}

/** A list somewhere in an answer; empty when it is not there or is none. */
export function list(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = field(value, ...path);
  return Array.isArray(found) ? found : [];
}
