/** When a limit gives no time, ms. Source: GitHub asks for a minute at least after a secondary limit. */
const SILENCE_MS_DEFAULT = 60_000;
/** The longest silence that a forge may ask for, ms: GitHub's limits are by the hour, and a wrong clock must not stop us for good. */
export const FORGE_SILENCE_MS_MAX = 3_600_000;

/**
 * What an answer says of rate limits.
 * @returns `limitedUntilMs` when this request was refused for one; `silentUntilMs` when no request should be sent before
 */
export function retryAtMs(
  response: Response,
  text: string,
  nowMs: number,
): { limitedUntilMs?: number; silentUntilMs?: number } {
  const { headers, status } = response;
  const remaining = headers.get("x-ratelimit-remaining") ?? headers.get("ratelimit-remaining");
  const used = remaining === "0";
  const resource = headers.get("x-ratelimit-resource") ?? "core";
  const refused =
    status === 429 ||
    (status === 403 && (used || headers.has("retry-after") || /\brate limit/i.test(text.slice(0, 1_000))));
  if (!refused && !(used && response.ok)) return {};
  // GitHub tells with every answer when the hour's limit begins anew; of a secondary limit, with requests left, that says nothing.
  const resets = used || remaining === null;
  const untilMs = bounded(afterMs(headers, nowMs) ?? (resets ? resetMs(headers, nowMs) : undefined), nowMs);
  return {
    ...(refused ? { limitedUntilMs: untilMs } : {}),
    // A limit of the search alone says nothing of other requests.
    ...(resource === "core" ? { silentUntilMs: untilMs } : {}),
  };
}

function afterMs(headers: Headers, nowMs: number): number | undefined {
  const after = headers.get("retry-after");
  if (after === null) return undefined;
  if (/^\d{1,9}$/.test(after)) return nowMs + Number(after) * 1_000;
  const atMs = Date.parse(after);
  return Number.isFinite(atMs) ? atMs : undefined;
}

function resetMs(headers: Headers, nowMs: number): number | undefined {
  const reset = headers.get("x-ratelimit-reset") ?? headers.get("ratelimit-reset");
  if (reset === null || !/^\d{1,12}$/.test(reset)) return undefined;
  // Seconds since 1970 with GitHub and GitLab; a small number is seconds from now.
  return Number(reset) > 1_000_000_000 ? Number(reset) * 1_000 : nowMs + Number(reset) * 1_000;
}

function bounded(atMs: number | undefined, nowMs: number): number {
  if (atMs === undefined) return nowMs + SILENCE_MS_DEFAULT;
  return Math.min(Math.max(atMs, nowMs + 1_000), nowMs + FORGE_SILENCE_MS_MAX);
}
