import { z } from "zod";
import { API_TOKEN_DAYS, API_TOKEN_DAYS_MAX, NAME_CHARS_MAX } from "../limits.ts";
import { lineOfText } from "../text.ts";

/**
 * What an API token may do of what its owner may, least first; each includes those before it. `read`: look. `write`: also
 * change what members change, and start runs. `admin`: also what needs the role admin, or an administrator of the
 * installation. None of them makes tokens, changes passwords or approves sign-ins: that takes a browser session.
 */
export const TokenScope = z.enum(["read", "write", "admin"]);
export type TokenScope = z.infer<typeof TokenScope>;

/** An API token of the caller. The token itself was shown once. */
export const ApiToken = z.object({
  id: z.int(),
  name: z.string(),
  scopes: z.array(TokenScope),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
  /** To the minute; null for one that was never used. */
  last_used_at: z.iso.datetime().nullable(),
  /** The one of this request. */
  current: z.boolean(),
});
export type ApiToken = z.infer<typeof ApiToken>;

/** Newest first; those that expired are left out. */
export const ApiTokenList = z.object({ tokens: z.array(ApiToken) });
export type ApiTokenList = z.infer<typeof ApiTokenList>;

export const NewApiToken = z.strictObject({
  name: lineOfText(NAME_CHARS_MAX),
  scopes: z.array(TokenScope).min(1).max(TokenScope.options.length).default(["write"]),
  expires_in_days: z.int().min(1).max(API_TOKEN_DAYS_MAX).default(API_TOKEN_DAYS),
});
export type NewApiToken = z.infer<typeof NewApiToken>;

/** `wst_…`, shown once. */
export const ApiTokenWithSecret = ApiToken.extend({ token: z.string() });
export type ApiTokenWithSecret = z.infer<typeof ApiTokenWithSecret>;
