import { hash, randomBytes } from "node:crypto";
import { TOKEN_PREFIX, type TokenKind } from "./token-prefix.ts";

export { TOKEN_PREFIX, type TokenKind };

/** A new token: prefix and 256 random bits in base64url (43 characters). Shown once; only its hash is stored. */
export function createToken(kind: TokenKind): string {
  return TOKEN_PREFIX[kind] + randomBytes(32).toString("base64url");
}

/** SHA-256 of the whole token, hex. Look-ups go by this value, so comparison time says nothing about the token. */
export function hashToken(token: string): string {
  return hash("sha256", token, "hex");
}
