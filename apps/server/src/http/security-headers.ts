/** A year; the least that browsers' preload rules accept, seconds. */
const HSTS_SECONDS = 31_536_000;

const POLICY =
  "default-src 'self'; img-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/**
 * The policy of a page of the web app: scripts come as files of this server, styles too or carry `nonce`.
 * @param nonce base64, new for each answer
 */
export function pagePolicy(nonce: string): string {
  return `${POLICY}; script-src 'self'; style-src 'self' 'nonce-${nonce}'`;
}

/** Headers of every answer (WB-22): nothing inline runs. */
export function securityHeaders(baseUrl: string): [name: string, value: string][] {
  return [
    ["content-security-policy", POLICY],
    ["x-content-type-options", "nosniff"],
    ["x-frame-options", "DENY"],
    ["referrer-policy", "no-referrer"],
    ["cross-origin-opener-policy", "same-origin"],
    ["cross-origin-resource-policy", "same-origin"],
    ...(baseUrl.startsWith("https://")
      ? ([["strict-transport-security", `max-age=${HSTS_SECONDS}; includeSubDomains`]] satisfies [
          string,
          string,
        ][])
      : []),
  ];
}
