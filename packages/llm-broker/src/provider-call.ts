import { redact } from "@windshift/base/redact.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { CallEnd } from "./call-end.ts";
import type { ProviderFetch } from "./llm-grant.ts";
import type { LlmEndpoint } from "./llm-target.ts";
import type { LlmWire } from "./llm-wire.ts";

/** What became of one request. `silent`: no response header within the time that leaves enough for the next target. */
export type ProviderAnswer =
  | { kind: "answered"; response: Response }
  | { kind: "unreachable"; error: AppError }
  | { kind: "silent" };

/**
 * Sends one authorized body to a provider and waits for the response header. The address, the method and every header are
 * ours; nothing of the caller's request goes out (decision 6 of the threat model).
 * @param waitMsMax undefined to wait as long as `end` lets
 * @throws AppError `upstream_failed` for an address that cannot be used and for a redirect, the guard's own for one that
 *   may not be dialed, and the reason of `end` when the call was ended while waiting
 */
export async function callProvider(
  fetch: ProviderFetch,
  wire: LlmWire,
  endpoint: LlmEndpoint,
  body: string,
  end: CallEnd,
  waitMsMax: number | undefined,
): Promise<ProviderAnswer> {
  const url = urlOf(endpoint, wire);
  const wait = new Wait(waitMsMax, end.signal);
  // The runtime would give up by itself after five minutes, without our words; the end of the call is the limit.
  const init: RequestInit & { timeout: false } = {
    method: "POST",
    headers: headersOf(url, endpoint, wire),
    body,
    redirect: "manual",
    signal: wait.signal,
    timeout: false,
  };
  try {
    const response = await fetch(url, init);
    if (response.status >= 300 && response.status < 400) throw redirected(response);
    return { kind: "answered", response };
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (end.cause !== undefined) throw end.error();
    if (wait.over) return { kind: "silent" };
    const cause = withoutSecrets(error, endpoint.apiKey);
    return { kind: "unreachable", error: new AppError("upstream_failed", UNREACHABLE, { cause }) };
  } finally {
    wait.done();
  }
}

/** The wait for one header, shorter than the call's own where another target comes after it. */
class Wait {
  over = false;
  readonly signal: AbortSignal;
  private timer: Timer | undefined;
  constructor(ms: number | undefined, end: AbortSignal) {
    this.signal = end;
    if (ms === undefined) return;
    const own = new AbortController();
    this.signal = AbortSignal.any([end, own.signal]);
    this.timer = setTimeout(() => {
      this.over = true;
      own.abort();
    }, ms);
  }

  done(): void {
    clearTimeout(this.timer);
  }
}

const UNREACHABLE =
  "The model provider cannot be reached. Try again; if it stays so, an admin must check the address of the LLM connection.";

const HEADERS = {
  "Content-Type": "application/json",
  Accept: "application/json, text/event-stream",
  // A compressed stream would hide how much memory a reply takes, and holds chunks back.
  "Accept-Encoding": "identity",
  "User-Agent": "windshift",
};

/** Headers of the calls to each opened endpoint, by route; gone with the endpoint, so that a former key is, too (LB-19). */
const headers = new WeakMap<LlmEndpoint, Map<LlmWire, Headers>>();

/** For reading only: the next call is given the same. */
function headersOf(url: URL, endpoint: LlmEndpoint, wire: LlmWire): Headers {
  const known = headers.get(endpoint) ?? new Map<LlmWire, Headers>();
  let ours = known.get(wire);
  if (ours === undefined) {
    ours = new Headers({ ...HEADERS, ...wire.credential(endpoint), Host: url.host });
    headers.set(endpoint, known.set(wire, ours));
  }
  return ours;
}

/** Addresses kept, so that each is read once and not once a call; an installation has some tens. */
const URLS_MAX = 1_000;
const urls = new Map<string, URL>();

/** For reading only: others are given the same. */
function urlOf({ baseUrl }: LlmEndpoint, { path }: LlmWire): URL {
  const name = `${path} ${baseUrl}`;
  const known = urls.get(name);
  if (known !== undefined) return known;
  const url = providerUrl(baseUrl, path);
  if (urls.size >= URLS_MAX) urls.clear();
  urls.set(name, url);
  return url;
}

/**
 * @throws AppError `upstream_failed` when the stored address is not one a key may be sent to
 */
export function providerUrl(baseUrl: string, path: string): URL {
  const url = URL.parse(baseUrl);
  const usable =
    url !== null &&
    (url.protocol === "https:" || url.protocol === "http:") &&
    url.username === "" &&
    url.password === "" &&
    url.search === "" &&
    url.hash === "";
  if (!usable) {
    throw new AppError(
      "upstream_failed",
      "The address of the LLM connection cannot be used; an admin must set it to a plain http or https address, without credentials, query or fragment.",
    );
  }
  // Addresses are copied from provider pages with and without /v1; both mean the same root.
  url.pathname = `${url.pathname.replace(/\/+$/, "").replace(/\/v1$/, "")}${path}`;
  return url;
}

function redirected(response: Response): AppError {
  response.body?.cancel().catch(() => {});
  return new AppError(
    "upstream_failed",
    `The model provider answered with a redirect (${response.status}), which is not followed; an admin must set the LLM connection to the final address.`,
  );
}

/** The cause goes to the log, and the runtime's errors may carry the whole request and its address (LB-06). */
function withoutSecrets(error: unknown, apiKey: string | null): Error {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new Error(redact(text, apiKey === null ? [] : [apiKey]));
}
