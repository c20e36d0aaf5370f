import { withoutHidden } from "@windshift/base/hidden-text.ts";
import type { Person, RunCaller } from "./principal.ts";

/**
 * An answer as its caller reads it: people as it is, the agent of a run without what people do not see in its texts, as in its
 * prompt (PI-03).
 */
export function asRead<T>(answer: T, caller: Person | RunCaller): T {
  return caller.kind === "run" ? (cleaned(answer) as T) : answer;
}

function cleaned(value: unknown): unknown {
  if (typeof value === "string") return withoutHidden(value).text;
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleaned(inner)]));
}
