/** Our tokens: prefix, underscore, at least 20 characters of base64url. */
const OUR_TOKENS = /\bws(?:rt|rc|t|run|in|pr|cl)_[A-Za-z0-9_-]{20,}/g;
/** Credentials in addresses and headers. */
const URL_USERINFO = /(https?:\/\/)[^\s/@]+@/g;
const AUTH_HEADER = /\b(authorization\s*[:=]\s*(?:basic|bearer)\s+)[^\s"',;]+/gi;

/**
 * Replaces secrets in text that is about to leave the process (logs, events, error messages).
 * @param secrets further literal values to hide, such as a provider's key; those under 8 characters are ignored
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  let out = text
    .replace(OUR_TOKENS, (token) => `${token.slice(0, token.indexOf("_") + 1)}[redacted]`)
    .replace(URL_USERINFO, "$1[redacted]@")
    .replace(AUTH_HEADER, "$1[redacted]");
  for (const secret of secrets) if (secret.length >= 8) out = out.replaceAll(secret, "[redacted]");
  return out;
}
