import { backoffMs } from "@windshift/base/backoff.ts";
import { AppError } from "@windshift/contract/app-error.ts";

/** Longest wait that a server may ask for with Retry-After, ms: a lease outlives it, and a wrong clock in between costs no more. */
export const RETRY_AFTER_MS_MAX = 60_000;

/**
 * How long to wait before something that failed is tried again: our own back-off, or what the server asked for when that is longer.
 * @param tries how many tries failed so far, from 1
 * @returns ms
 */
export function retryWaitMs(error: unknown, tries: number, firstMs: number, maxMs: number): number {
  const askedMs = error instanceof AppError ? (error.retryAfterS ?? 0) * 1_000 : 0;
  return Math.max(backoffMs(tries, firstMs, maxMs), Math.min(askedMs, RETRY_AFTER_MS_MAX));
}
