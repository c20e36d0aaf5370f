import { RETRY_AFTER_MS_MAX, RETRY_MS } from "./llm-limits.ts";

/** Statuses behind which another try may do better: the same that the providers' own clients try again. */
export function isRetriable(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/**
 * How long to wait before try number `tried + 1`, ms; undefined when the provider asks for more than is waited for here.
 * @param retryAfter the header as the provider sent it: seconds or a date
 * @param random from 0 to 1, so that callers that failed together do not come back together
 */
export function retryDelayMs(
  tried: number,
  retryAfter: string | null,
  nowMs: number,
  random: number,
): number | undefined {
  const ownMs = RETRY_MS * 2 ** (tried - 1) * (0.5 + random / 2);
  if (retryAfter === null) return ownMs;
  const askedMs = /^\d+(\.\d+)?$/.test(retryAfter)
    ? Number(retryAfter) * 1_000
    : Date.parse(retryAfter) - nowMs;
  if (Number.isNaN(askedMs)) return ownMs;
  return askedMs > RETRY_AFTER_MS_MAX ? undefined : Math.max(askedMs, ownMs);
}
