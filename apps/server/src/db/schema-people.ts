import type { Generated } from "kysely";

/** Tables of how people and programs get in: API tokens, invitations, sign-in by a provider. Migration 006. */
export interface PeopleSchema {
  api_tokens: ApiTokenTable;
  cli_logins: CliLoginTable;
  invitations: InvitationTable;
  password_links: PasswordLinkTable;
  /** Whom a sign-in provider means: never an e-mail address, which it may give to another one tomorrow (WB-08). */
  oidc_identities: { issuer: string; subject: string; user_id: string; created_at_ms: number };
  oidc_logins: OidcLoginTable;
}

interface ApiTokenTable {
  id: Generated<number>;
  user_id: string;
  name: string;
  token_hash: string;
  /** TokenScope values as a JSON list. */
  scopes: string;
  created_at_ms: number;
  expires_at_ms: number;
  last_used_at_ms: number | null;
}

/** A sign-in of `ws` that waits for its approval. */
interface CliLoginTable {
  id: Generated<number>;
  user_code: string;
  poll_hash: string;
  client_name: string;
  address: string | null;
  /** `pending`, `approved` or `denied`. */
  state: string;
  /** Who approved or denied it, and what the token may do for how long. */
  user_id: string | null;
  scopes: string | null;
  token_days: number | null;
  created_at_ms: number;
  expires_at_ms: number;
}

interface InvitationTable {
  id: Generated<number>;
  workspace_id: number;
  role: string;
  email: string | null;
  token_hash: string;
  created_by: string;
  created_at_ms: number;
  expires_at_ms: number;
}

/** A link with which a person chooses a password; a person has one at most. */
interface PasswordLinkTable {
  user_id: string;
  token_hash: string;
  created_at_ms: number;
  expires_at_ms: number;
}

/** A sign-in at the provider that is on its way; its row goes when the browser comes back, so it is used once. */
interface OidcLoginTable {
  state_hash: string;
  /** SHA-256 of what the browser keeps in a cookie: nobody else's browser can end this sign-in. */
  browser_hash: string;
  nonce: string;
  code_verifier: string;
  return_to: string;
  /** Whose account it connects; null for a sign-in. */
  link_user_id: string | null;
  expires_at_ms: number;
}
