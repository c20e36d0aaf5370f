import { z } from "zod";
import { PASSWORD_CHARS_MAX } from "../limits.ts";

/**
 * Why a sign-in at the provider came to nothing. The browser is sent to `/login?problem=<code>`, or to
 * `/account?problem=<code>` when somebody who is signed in wanted to connect their account.
 */
export const OidcProblem = z.enum([
  "oidc_failed",
  "oidc_stale",
  "oidc_refused",
  "oidc_unreachable",
  "oidc_unknown",
  "oidc_email_unverified",
  "oidc_email_taken",
  "oidc_disabled",
  "oidc_taken",
  "oidc_busy",
  "oidc_off",
  "oidc_broken",
]);
export type OidcProblem = z.infer<typeof OidcProblem>;

/** What a page says for each. */
export const OIDC_PROBLEM_TEXT: Record<OidcProblem, string> = {
  oidc_failed: "The answer of the sign-in provider could not be trusted. The server's log says why.",
  oidc_stale: "This sign-in took too long, was used already, or began in another browser. Try again.",
  oidc_refused: "The sign-in provider did not let you in.",
  oidc_unreachable: "The sign-in provider does not answer. Try again, or sign in with a password.",
  oidc_unknown:
    "Nobody here is known under this identity. Ask an administrator for an account, or sign in and connect it on your account page.",
  oidc_email_unverified:
    "The sign-in provider does not say that your e-mail address is verified, so no account was made.",
  oidc_email_taken:
    "There is an account with your e-mail address. Sign in to it with its password and connect it on your account page.",
  oidc_disabled: "This account is disabled. Ask an administrator.",
  oidc_taken: "This identity belongs to another account here, or yours has another one.",
  oidc_busy: "Too many sign-ins came from your network. Try again in a minute, or sign in with a password.",
  oidc_off: "No sign-in provider is set up here. Sign in with a password.",
  oidc_broken:
    "Something went wrong on the server, whose log says what. Try again, or sign in with a password.",
};

/** Begins to connect the caller's account. Who has a password says it: the identity stays when the session is over. */
export const NewOidcLink = z.strictObject({
  current_password: z.string().max(PASSWORD_CHARS_MAX).optional(),
});
export type NewOidcLink = z.infer<typeof NewOidcLink>;

/** Where the browser goes to connect the caller's account with the sign-in provider. */
export const OidcLink = z.object({ url: z.string() });
export type OidcLink = z.infer<typeof OidcLink>;
