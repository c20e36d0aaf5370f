import type { Queries } from "../db/database.ts";
import { deleteSessions } from "./session-store.ts";

/** What spoke for a person and does so no more; as the audit log says it. */
export interface EndedAccess extends Record<string, number> {
  sessions: number;
  tokens: number;
  cli_logins: number;
}

/**
 * Ends all that speaks for a person, in the caller's transaction: sessions, API tokens, and sign-ins of `ws` that were
 * approved and not fetched. Whoever took over an account keeps nothing that way but an identity of the sign-in provider.
 * @param except the session that stays, of the person who asks for it
 */
export async function endAccess(
  tx: Queries,
  userId: string,
  { except }: { except?: string } = {},
): Promise<EndedAccess> {
  const sessions = await deleteSessions(tx, userId, except === undefined ? {} : { except });
  // Sign-ins before tokens: one that is fetched at this moment is waited for, and its token is seen then.
  const logins = await tx.deleteFrom("cli_logins").where("user_id", "=", userId).returning("id").execute();
  const tokens = await tx.deleteFrom("api_tokens").where("user_id", "=", userId).returning("id").execute();
  return { sessions, tokens: tokens.length, cli_logins: logins.length };
}
