import { createHash, randomBytes } from "node:crypto";

/** Token prefixes by kind. Source: INTERFACES section 5. */
export const TOKEN_PREFIX = {
  registration: "wsrt_",
  runner: "wsrc_",
  person: "wst_",
  run: "wsrun_",
  /** In links that are used once: an invitation, a password to choose; and what `ws login` waits with. */
  invitation: "wsin_",
  password_link: "wspr_",
  cli_login: "wscl_",
} as const;
export type TokenKind = keyof typeof TOKEN_PREFIX;

/** A new token: prefix and 256 random bits in base64url (43 characters). Shown once; only its hash is stored. */
export function createToken(kind: TokenKind): string {
  return TOKEN_PREFIX[kind] + randomBytes(32).toString("base64url");
}

/** SHA-256 of the whole token, hex. Look-ups go by this value, so comparison time says nothing about the token. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
