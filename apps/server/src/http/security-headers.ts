/** A year; the least that browsers' preload rules accept, seconds. */
const HSTS_SECONDS = 31_536_000;

/** Headers of every answer (WB-22). Pages bring their own style sheet and script files: nothing inline runs. */
export function securityHeaders(baseUrl: string): [name: string, value: string][] {
  return [
    [
      "content-security-policy",
      "default-src 'self'; img-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    ],
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
