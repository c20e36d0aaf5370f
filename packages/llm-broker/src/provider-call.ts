import { redact } from "@windshift/base/redact.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { CallEnd } from "./call-end.ts";
import type { LlmGrant, ProviderFetch } from "./llm-grant.ts";

/**
 * Sends one authorized body to the provider of the grant and waits for the response header. The address, the method
 * and every header are ours; nothing of the caller's request goes out (decision 6 of the threat model).
 * @throws AppError `upstream_failed` when it cannot be reached or answers with a redirect; the reason of `end` when
 *   the call was ended while waiting
 */
export async function callProvider(
  fetch: ProviderFetch,
  endpoint: LlmGrant["endpoint"],
  body: string,
  end: CallEnd,
  headerMsMax: number,
): Promise<Response> {
  const url = chatCompletionsUrl(endpoint.baseUrl);
  // The runtime would give up by itself after five minutes, without our words; the timer below is the limit.
  const init: RequestInit & { timeout: false } = {
    method: "POST",
    headers: providerHeaders(endpoint.apiKey),
    body,
    redirect: "manual",
    signal: end.signal,
    timeout: false,
  };
  const timer = setTimeout(() => end.end({ kind: "header_timeout", ms: headerMsMax }), headerMsMax);
  try {
    const response = await fetch(url, init);
    if (response.status >= 300 && response.status < 400) throw redirected(response);
    return response;
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (end.cause !== undefined) throw end.error();
    throw new AppError("upstream_failed", UNREACHABLE, { cause: withoutSecrets(error, endpoint.apiKey) });
  } finally {
    clearTimeout(timer);
  }
}

const UNREACHABLE =
  "The model provider cannot be reached. Try again; if it stays so, an admin must check the address of the LLM connection.";

/**
 * @throws AppError `upstream_failed` when the stored address is not one a key may be sent to
 */
export function chatCompletionsUrl(baseUrl: string): URL {
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
  url.pathname = `${url.pathname.replace(/\/+$/, "").replace(/\/v1$/, "")}/v1/chat/completions`;
  return url;
}

function providerHeaders(apiKey: string | null): Record<string, string> {
  return {
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
    // A compressed stream would hide how much memory a reply takes, and holds chunks back.
    "Accept-Encoding": "identity",
    "User-Agent": "windshift",
    ...(apiKey === null ? {} : { Authorization: `Bearer ${apiKey}` }),
  };
}

function redirected(response: Response): AppError {
  response.body?.cancel().catch(() => {});
  return new AppError(
    "upstream_failed",
    `The model provider answered with a redirect (${response.status}), which is not followed; an admin must set the LLM connection to the final address.`,
  );
}

/** The cause goes to the log, and the runtime's errors may carry the whole request. */
function withoutSecrets(error: unknown, apiKey: string | null): Error {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new Error(redact(text, apiKey === null ? [] : [apiKey]));
}
