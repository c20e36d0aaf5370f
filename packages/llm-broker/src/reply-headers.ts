import type { LlmGrant } from "./llm-grant.ts";
import { secretOf } from "./streamed-reply.ts";

/** The provider's headers that come through, with what each may look like; every other header stays here (LB-05). */
const PASSED = {
  "retry-after": /^[A-Za-z0-9 ,:]{1,40}$/,
  "x-request-id": /^[A-Za-z0-9_.:-]{1,128}$/,
} as const;

/** Headers of any answer after the grant is known. */
export function replyHeaders(
  grant: Pick<LlmGrant, "endpoint" | "contextWindow">,
  contentType: "application/json" | "text/event-stream",
  upstream?: Headers,
): Headers {
  const headers = new Headers({ "Content-Type": contentType, "Cache-Control": "no-store" });
  if (grant.contextWindow !== null) headers.set("X-Context-Window", String(grant.contextWindow));
  const secret = secretOf(grant.endpoint.apiKey)?.toString("utf8");
  for (const [name, shape] of Object.entries(PASSED)) {
    const value = upstream?.get(name);
    if (!value || !shape.test(value)) continue;
    if (secret === undefined || !value.includes(secret)) headers.set(name, value);
  }
  return headers;
}
