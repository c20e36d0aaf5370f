import type { z } from "zod";
import { ForgeError } from "./forge-client.ts";

/**
 * Makes a call of a client library and reads what we need of its reply.
 * @throws ForgeError what the transport found, which the libraries wrap; `unreachable` when the reply is not one of that API
 */
export async function ask<T>(schema: z.ZodType<T>, call: () => Promise<unknown>): Promise<T> {
  const reply = await forgeCall(call);
  const parsed = schema.safeParse(reply);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new ForgeError("unreachable", `The forge's answer is not one of its API (at "${where}").`, {
    cause: parsed.error,
  });
}

/** The same for a call whose reply is of no interest or is read by the caller. */
export async function forgeCall<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw forgeErrorIn(error) ?? error;
  }
}

/** What was not found is given as null; other failures stay. */
export async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ForgeError && error.kind === "not_found") return null;
    throw error;
  }
}

/** What the transport found, however deep the libraries wrapped it; undefined when the failure is another. */
export function forgeErrorIn(error: unknown): ForgeError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++)
    if (at instanceof ForgeError) return at;
  return undefined;
}
