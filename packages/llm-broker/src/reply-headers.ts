import type { LlmTarget } from "./llm-target.ts";
import { secretOf } from "./streamed-reply.ts";

/** The provider's headers that come through, with what each may look like; every other header stays here (LB-05). */
const PASSED = {
  "retry-after": /^[A-Za-z0-9 ,:]{1,40}$/,
  "request-id": /^[A-Za-z0-9_.:-]{1,128}$/,
  "x-request-id": /^[A-Za-z0-9_.:-]{1,128}$/,
} as const;

/**
 * Headers of any answer after the target is known.
 * @param common what every answer has
 */
export function replyHeaders(
  common: Headers | undefined,
  target: Pick<LlmTarget, "contextWindow">,
  apiKey: string | null,
  contentType: "application/json" | "text/event-stream",
  upstream?: Headers,
): Headers {
  const headers = new Headers(common); // copied as a whole, which is several times faster than one by one
  headers.set("Content-Type", contentType);
  headers.set("Cache-Control", "no-store");
  if (target.contextWindow !== null) headers.set("X-Context-Window", String(target.contextWindow));
  const secret = secretOf(apiKey)?.toString("utf8");
  for (const [name, shape] of Object.entries(PASSED)) {
    const value = upstream?.get(name);
    if (!value || !shape.test(value)) continue;
    if (secret === undefined || !value.includes(secret)) headers.set(name, value);
  }
  return headers;
}
