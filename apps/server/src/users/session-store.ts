import type { SessionView } from "@windshift/contract/api/user.ts";
import type { Queries } from "../db/database.ts";

/** What a browser says of itself is cut to this when it is shown, characters. */
const USER_AGENT_CHARS_MAX = 300;
/** Sessions that are listed; more are those of a program that signs in anew each time. */
const SESSIONS_MAX = 100;

/** The person's sessions that have not run out, newest first. */
export async function listSessions(db: Queries, userId: string, current: string): Promise<SessionView[]> {
  const rows = await db
    .selectFrom("session")
    .select(["id", "createdAt", "expiresAt", "userAgent", "ipAddress"])
    .where("userId", "=", userId)
    .where("expiresAt", ">", new Date().toISOString())
    .orderBy("createdAt", "desc")
    .limit(SESSIONS_MAX)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    current: row.id === current,
    created_at: new Date(row.createdAt).toISOString(),
    expires_at: new Date(row.expiresAt).toISOString(),
    user_agent: row.userAgent?.slice(0, USER_AGENT_CHARS_MAX) || null,
    address: row.ipAddress || null,
  }));
}

/**
 * Ends sessions of a person; their streams end within seconds, as they ask again (WB-03).
 * @param which one, all but one, or all
 * @returns how many
 */
export async function deleteSessions(
  tx: Queries,
  userId: string,
  which: { only?: string; except?: string } = {},
): Promise<number> {
  const { only, except } = which;
  const gone = await tx
    .deleteFrom("session")
    .where("userId", "=", userId)
    .$if(only !== undefined, (qb) => qb.where("id", "=", only ?? ""))
    .$if(except !== undefined, (qb) => qb.where("id", "!=", except ?? ""))
    .returning("id")
    .execute();
  return gone.length;
}
