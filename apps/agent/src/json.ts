import { isDeeperThan } from "@windshift/base/json-depth.ts";

/** What `JSON.parse` gives, as narrow as it is known before looking. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Levels of brackets in anything a model or a server sends: all that writes a value again recurses, and a bomb of 100,000 levels stalls it for a second (measured). Real arguments have ten. */
export const JSON_DEPTH_MAX = 512;

/** @returns undefined when the text is not JSON, or nested deeper than JSON_DEPTH_MAX; never throws. */
export function parseJson(text: string): Json | undefined {
  // A shorter text cannot nest so deeply: the chunks of a stream are spared the look.
  if (text.length > 2 * JSON_DEPTH_MAX && isDeeperThan(text, JSON_DEPTH_MAX)) return undefined;
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

/** Neither null nor a list. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Its elements; none when it is no list. */
export function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

/** Undefined when it is no text. */
export function textOf(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
/** A finite number of at least 0; some servers write theirs as text. */
export function countOf(value: Json | undefined): number | undefined {
  const count = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof count === "number" && Number.isFinite(count) && count >= 0 ? count : undefined;
}

/** As JSON, without half surrogate pairs: they are no text, and servers refuse a request that has one. */
export function jsonOf(value: Json): string {
  const json = JSON.stringify(value);
  return json.includes("\\ud") ? JSON.stringify(value, wellFormed) : json;
}

/** For `JSON.stringify`: replaces texts, and names within structures. */
export function wellFormed(_name: string, value: Json): Json {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (Object.keys(value).every((name) => name.isWellFormed())) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name.toWellFormed(), item]));
}
