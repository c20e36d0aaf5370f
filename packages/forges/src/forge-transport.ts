import type { Clock } from "@windshift/base/clock.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { ForgeFetch } from "./create-forge-client.ts";
import { ForgeError } from "./forge-client.ts";
import { type FailureWords, failureOf } from "./forge-failure.ts";
import { retryAtMs } from "./forge-rate-limit.ts";

export interface TransportOptions extends FailureWords {
  fetch: ForgeFetch;
  clock: Clock;
}

/** One request to a forge, ms: listings of a big installation take seconds; longer than this nobody is there. */
export const FORGE_REQUEST_MS_MAX = 30_000;
/** One answer of a forge, bytes: a page of 100 pull requests with long texts is under 4 MiB. */
export const FORGE_REPLY_BYTES_MAX = 16_777_216;

/**
 * The `fetch` that is given to a forge's client library. It sends a request once, in bounded time and memory, and
 * resolves with a success only: whatever else comes is thrown as the `ForgeError` it means. After a rate limit it refuses
 * without asking until the limit is over.
 */
export function createForgeTransport(options: TransportOptions): ForgeFetch {
  let silentUntilMs = 0;
  return async (input, init = {}) => {
    const method = (init.method ?? (input instanceof Request ? input.method : "GET")).toUpperCase();
    if (options.clock.nowMs() < silentUntilMs)
      throw new ForgeError("rate_limited", limitText(options, silentUntilMs), { retryAtMs: silentUntilMs });
    const response = await send(options, input, init);
    const text = await readText(response, options);
    const limit = retryAtMs(response, text, options.clock.nowMs());
    if (limit.silentUntilMs !== undefined) silentUntilMs = limit.silentUntilMs;
    if (limit.limitedUntilMs !== undefined)
      throw new ForgeError("rate_limited", limitText(options, limit.limitedUntilMs), {
        retryAtMs: limit.limitedUntilMs,
        status: response.status,
      });
    const failure = failureOf({ method, response, text }, options);
    if (failure !== undefined) throw failure;
    const empty = response.status === 204 || response.status === 205;
    return new Response(empty ? null : text, { status: response.status, headers: plainHeaders(response) });
  };
}

async function send(options: TransportOptions, input: string | URL | Request, init: RequestInit) {
  const timeout = AbortSignal.timeout(FORGE_REQUEST_MS_MAX);
  const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  try {
    return await options.fetch(input, { ...init, redirect: "manual", signal });
  } catch (cause) {
    throw new ForgeError("unreachable", unreachableText(options, cause, timeout.aborted), { cause });
  }
}

async function readText(response: Response, options: TransportOptions): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > FORGE_REPLY_BYTES_MAX) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new ForgeError("unreachable", `${options.host} broke off in the middle of its answer.`, { cause });
  }
  if (bytes > FORGE_REPLY_BYTES_MAX)
    throw new ForgeError(
      "unreachable",
      `${options.host} answered with more than ${FORGE_REPLY_BYTES_MAX} bytes.`,
      { status: response.status },
    );
  return Buffer.concat(chunks).toString("utf8");
}

/** The body was read and decoded, so its length and coding are no longer those. */
function plainHeaders(response: Response): Headers {
  const headers = new Headers(response.headers);
  for (const name of ["content-encoding", "content-length", "transfer-encoding"]) headers.delete(name);
  return headers;
}

function unreachableText(options: TransportOptions, cause: unknown, timedOut: boolean): string {
  // The guard's own sentence says what to do; it names the host and no credential.
  if (cause instanceof AppError) return cause.message;
  if (timedOut) return `${options.host} did not answer within ${FORGE_REQUEST_MS_MAX / 1_000} seconds.`;
  return `${options.host} cannot be reached: the connection failed. Check the address and the network of the server.`;
}

function limitText(options: TransportOptions, untilMs: number): string {
  return `${options.host} allows no more requests for this credential until ${new Date(untilMs).toISOString()}.`;
}
