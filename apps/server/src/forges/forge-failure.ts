import { AppError } from "@windshift/contract/app-error.ts";
import { ForgeError } from "@windshift/forges/forge-client.ts";
import { ForgeBusy } from "../runs/forge.ts";

/** What a forge said as an error of ours, with its sentence; anything else stays what it is. */
export function forgeFailure(error: unknown): unknown {
  if (!(error instanceof ForgeError)) return error;
  const { kind, message } = error;
  switch (kind) {
    // Nothing but a person with the right to change the connection mends these.
    case "unauthorized":
    case "missing_scope":
    case "forbidden":
      return new AppError("forbidden", message, { cause: error });
    case "not_found":
      return new AppError("not_found", message, { cause: error });
    case "refused":
    case "conflict":
      return new AppError("conflict", message, { cause: error });
    case "rate_limited":
      return new ForgeBusy(message, error.retryAtMs, error);
    case "unreachable":
      return new AppError("upstream_failed", message, { cause: error });
  }
}

/** Whether the credential itself is what is wrong. */
export function blamesCredential(error: unknown): error is ForgeError {
  return error instanceof ForgeError && (error.kind === "unauthorized" || error.kind === "missing_scope");
}

/** How long a connection is left alone whose forge does not answer or does not know the credential, ms. */
const PAUSE_MS = 2 * 60_000;

/** Until when nothing else is to be asked of the connection, UTC ms; undefined when the failure says nothing about the rest. */
export function pauseOf(error: unknown): number | undefined {
  const cause = error instanceof AppError ? error.cause : error;
  if (!(cause instanceof ForgeError)) return undefined;
  if (cause.kind === "rate_limited") return cause.retryAtMs ?? Date.now() + PAUSE_MS;
  const whole = cause.kind === "unauthorized" || (cause.kind === "unreachable" && cause.status === undefined);
  return whole ? Date.now() + PAUSE_MS : undefined;
}
