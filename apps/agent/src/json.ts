/** What `JSON.parse` gives, as narrow as it is known before looking. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** @returns undefined when the text is not JSON; never throws. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The value when it is an object, else an empty one: lets a reader walk into a reply of any shape. */
export function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
export function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}
export function textOf(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
/** A finite number of at least 0. */
export function countOf(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}
