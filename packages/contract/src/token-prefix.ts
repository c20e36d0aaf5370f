/** Token prefixes by kind. Source: INTERFACES section 5. A file of its own: browsers need it, and none of what makes tokens. */
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
