import { AppError } from "@windshift/contract/app-error.ts";

/** Methods that change nothing, so they need no proof of origin. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/**
 * The origins whose pages are ours: the one of BASE_URL and, for people on the server's own machine, the loopback
 * address the request came to. A name that merely resolves to loopback does not count.
 */
export function ownOrigins(baseUrl: string, headers: Headers): string[] {
  const host = headers.get("host") ?? "";
  return [new URL(baseUrl).origin, ...(LOOPBACK.test(host) ? [`http://${host}`] : [])];
}

/**
 * Holds requests to our own pages (WB-06). A GET of ours changes nothing.
 * @param session whether a session cookie speaks for the caller; then a request that changes something must say where
 *   it comes from, which every browser does
 * @throws AppError `forbidden` when the request comes from elsewhere, or does not say where from and must
 */
export function requireSameOrigin(
  request: Request,
  baseUrl: string,
  session: "session" | "no session",
): void {
  const { headers } = request;
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  const safe = SAFE_METHODS.has(request.method);
  const foreign =
    (site !== null && site !== "same-origin" && !(safe && site === "none")) ||
    (origin !== null && !ownOrigins(baseUrl, headers).includes(origin) && site !== "same-origin");
  if (foreign && !(safe && session === "no session")) {
    throw new AppError("forbidden", "the request must come from this site's own pages");
  }
  if (session === "session" && !safe && site === null && origin === null) {
    throw new AppError(
      "forbidden",
      `a request with a session that changes something needs the header "Origin: ${new URL(baseUrl).origin}"`,
    );
  }
}

/** A page elsewhere cannot send this content type without asking first, and we never answer that question. */
export function requireJson(request: Request): void {
  if (SAFE_METHODS.has(request.method)) return;
  const type = request.headers.get("content-type") ?? "";
  if (/^application\/json\s*(?:;|$)/i.test(type)) return;
  throw new AppError("unsupported", 'send the header "Content-Type: application/json"');
}
