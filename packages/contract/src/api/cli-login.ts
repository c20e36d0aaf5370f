import { z } from "zod";
import { API_TOKEN_DAYS, API_TOKEN_DAYS_MAX, NAME_CHARS_MAX } from "../limits.ts";
import { lineOfText } from "../text.ts";
import { TokenScope } from "./token.ts";

/** What a person compares and opens: eight letters of which none is taken for another, in two halves: `BCDF-GHJK`. */
export const CliUserCode = z
  .string()
  .toUpperCase()
  .regex(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/, "a code such as BCDF-GHJK");

/** Asks for a token in the name of whoever approves it in the browser. */
export const NewCliLogin = z.strictObject({
  /** Names the token, and is shown to who approves: `ws on laptop`. */
  client_name: lineOfText(NAME_CHARS_MAX),
});
export type NewCliLogin = z.infer<typeof NewCliLogin>;

export const StartedCliLogin = z.object({
  user_code: CliUserCode,
  /** `/cli/BCDF-GHJK`; and the same below the server's own address. */
  verification_path: z.string(),
  verification_url: z.string(),
  /** `wscl_…`: what the program asks with until it has its token. */
  poll_secret: z.string(),
  /** How long to wait between two asks, seconds. */
  interval_s: z.int(),
  expires_at: z.iso.datetime(),
});
export type StartedCliLogin = z.infer<typeof StartedCliLogin>;

/** What the page of a code shows before it is approved. */
export const CliLoginView = z.object({
  user_code: CliUserCode,
  client_name: z.string(),
  /** Where the program asked from; null when that is not known. */
  address: z.string().nullable(),
  state: z.enum(["pending", "approved", "denied"]),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
});
export type CliLoginView = z.infer<typeof CliLoginView>;

/** What the token may do, and for how long. */
export const CliLoginApproval = z.strictObject({
  scopes: z.array(TokenScope).min(1).max(TokenScope.options.length).default(["write"]),
  expires_in_days: z.int().min(1).max(API_TOKEN_DAYS_MAX).default(API_TOKEN_DAYS),
});
export type CliLoginApproval = z.infer<typeof CliLoginApproval>;

export const CliLoginPoll = z.strictObject({ poll_secret: z.string().max(100) });
/** `approved` comes once, with the token. Unknown, used and expired secrets are answered 404. */
export const CliLoginState = z.discriminatedUnion("state", [
  z.object({ state: z.literal("pending"), interval_s: z.int() }),
  z.object({ state: z.literal("denied") }),
  z.object({
    state: z.literal("approved"),
    /** `wst_…` */
    token: z.string(),
    expires_at: z.iso.datetime(),
    scopes: z.array(TokenScope),
    user: z.object({ id: z.string(), name: z.string(), email: z.string() }),
  }),
]);
export type CliLoginState = z.infer<typeof CliLoginState>;
