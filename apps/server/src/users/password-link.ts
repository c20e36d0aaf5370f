import type { PasswordLink, PasswordLinkView } from "@windshift/contract/api/user.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { PASSWORD_LINK_MS_MAX } from "@windshift/contract/limits.ts";
import { createToken, hashToken } from "@windshift/contract/tokens.ts";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";
import { endAccess } from "./person-access.ts";
import { setPasswordHash } from "./user-store.ts";

/** Makes the one link of a person with which they choose a password, in the caller's transaction. */
export async function makePasswordLink(
  database: Database,
  tx: Queries,
  userId: string,
  baseUrl: string,
  by: ActingPerson,
): Promise<PasswordLink> {
  const token = createToken("password_link");
  const now = dbNowMs(database.engine);
  await tx.deleteFrom("password_links").where("user_id", "=", userId).execute();
  const { expires_at_ms } = await tx
    .insertInto("password_links")
    .values((eb) => ({
      user_id: userId,
      token_hash: hashToken(token),
      created_at_ms: now,
      expires_at_ms: eb(now, "+", PASSWORD_LINK_MS_MAX),
    }))
    .returning("expires_at_ms")
    .executeTakeFirstOrThrow();
  await record(tx, {
    workspaceId: null,
    actor: { user: by.user },
    action: "user.password_link_made",
    subject: `user ${userId}`,
    data: { ip: by.ip ?? "unknown" },
  });
  return { url: `${baseUrl}/reset/${token}`, expires_at: isoTime(expires_at_ms) };
}

/** Whom a link is for. @throws AppError `not_found` for an unknown, used or expired one */
export async function viewPasswordLink(database: Database, token: string): Promise<PasswordLinkView> {
  const link = await findLink(database, database.kysely, token);
  return { name: link.name, email: link.email, expires_at: isoTime(link.expires_at_ms) };
}

/**
 * Chooses a password with a link, which is used up. It ends every session and API token of the person.
 * @param hash hashes the password; not called for a link that is not known
 * @throws AppError `not_found` for an unknown, used or expired link
 */
export async function usePasswordLink(
  database: Database,
  token: string,
  hash: () => Promise<string>,
  ip: string | undefined,
): Promise<void> {
  await findLink(database, database.kysely, token);
  const passwordHash = await hash();
  await database.transaction(async (tx) => {
    const { user_id: userId } = await findLink(database, tx, token);
    const used = await tx
      .deleteFrom("password_links")
      .where("token_hash", "=", hashToken(token))
      .returning("user_id")
      .executeTakeFirst();
    if (used === undefined) throw unknownLink();
    await setPasswordHash(tx, userId, passwordHash);
    const ended = await endAccess(tx, userId);
    await record(tx, {
      workspaceId: null,
      actor: { user: userId },
      action: "user.password_set",
      subject: `user ${userId}`,
      data: { by: "link", ...ended, ip: ip ?? "unknown" },
    });
  });
}

async function findLink(database: Database, db: Queries, token: string) {
  const row = await db
    .selectFrom("password_links")
    .innerJoin("user", "user.id", "password_links.user_id")
    .select(["password_links.user_id", "password_links.expires_at_ms", "user.name", "user.email"])
    .where("token_hash", "=", hashToken(token))
    .where("expires_at_ms", ">", dbNowMs(database.engine))
    .where("user.disabled_at_ms", "is", null)
    .executeTakeFirst();
  if (row === undefined) throw unknownLink();
  return row;
}

function unknownLink(): AppError {
  return new AppError("not_found", "this link was used or is too old; ask an administrator for another one");
}
