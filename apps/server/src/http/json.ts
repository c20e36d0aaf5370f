import type { z } from "zod";

/** A JSON body of a route; required, so that it is always checked. */
export function jsonBody<T extends z.ZodType>(schema: T) {
  return { required: true, content: { "application/json": { schema } } } as const;
}

/** A JSON answer of a route. */
export function jsonReply<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } } as const;
}

/** A time as the API writes it. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
