import type { AdminUser, AdminUserPatch, PasswordLink } from "@windshift/contract/api/user.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import type { Database, Queries } from "../db/database.ts";
import { countActiveAdmins, findAdminUser, findPerson, lockAdmins } from "./admin-user-store.ts";
import { makePasswordLink } from "./password-link.ts";
import { endAccess } from "./person-access.ts";
import { insertPerson } from "./user-store.ts";

/**
 * Makes a person; without a password, one who chooses it with the link that is answered.
 * @throws AppError `conflict` when the e-mail address is taken
 */
export async function createAdminUser(
  database: Database,
  person: { name: string; email: string; passwordHash: string | undefined },
  baseUrl: string,
  by: ActingPerson,
): Promise<{ user: AdminUser; password_link: PasswordLink | null }> {
  return database.transaction(async (tx) => {
    const id = await insertPerson(tx, { ...person, admin: false });
    await tell(tx, by, "user.created", id);
    const withLink = person.passwordHash === undefined;
    const link = withLink ? await makePasswordLink(database, tx, id, baseUrl, by) : null;
    return { user: await getAdminUser(tx, id), password_link: link };
  });
}

/**
 * Changes a person. Whoever is disabled is signed out everywhere and loses their API tokens and links, in the same
 * transaction; what they wrote stays.
 * @throws AppError `not_found`; `conflict` when no administrator would be left, or for one's own account
 */
export async function changeAdminUser(
  database: Database,
  id: string,
  patch: AdminUserPatch,
  by: ActingPerson,
): Promise<AdminUser> {
  return database.transaction(async (tx) => {
    await lockAdmins(tx);
    const before = await findPerson(tx, id);
    if (before === undefined) throw noSuchPerson();
    const wasDisabled = before.disabled_at_ms !== null;
    const { name = before.name, admin = before.admin === 1, disabled = wasDisabled } = patch;
    if (id === by.user && disabled) throw new AppError("conflict", "you cannot disable your own account");
    await tx
      .updateTable("user")
      .set({
        name,
        admin: admin ? 1 : 0,
        disabled_at_ms: disabled ? (before.disabled_at_ms ?? Date.now()) : null,
        updatedAt: new Date().toISOString(),
      })
      .where("id", "=", id)
      .execute();
    if ((await countActiveAdmins(tx)) === 0)
      throw new AppError("conflict", "no administrator would be left; make somebody else one first");
    if (name !== before.name) await tell(tx, by, "user.renamed", id, { from: before.name, to: name });
    if (admin !== (before.admin === 1))
      await tell(tx, by, admin ? "user.made_admin" : "user.made_no_admin", id);
    if (disabled !== wasDisabled) await tell(tx, by, disabled ? "user.disabled" : "user.enabled", id);
    if (disabled) await shutOut(tx, id);
    return getAdminUser(tx, id);
  });
}

/**
 * Makes a link with which the person chooses a password; an older one stops working.
 * @throws AppError `not_found`; `conflict` for who is disabled
 */
export async function resetPassword(
  database: Database,
  id: string,
  baseUrl: string,
  by: ActingPerson,
): Promise<PasswordLink> {
  return database.transaction(async (tx) => {
    const person = await findPerson(tx, id);
    if (person === undefined) throw noSuchPerson();
    if (person.disabled_at_ms !== null)
      throw new AppError("conflict", "this account is disabled; enable it first");
    return makePasswordLink(database, tx, id, baseUrl, by);
  });
}

/** Ends every session and API token of a person. @throws AppError `not_found` */
export async function signOutEverywhere(database: Database, id: string, by: ActingPerson): Promise<void> {
  await database.transaction(async (tx) => {
    if ((await findPerson(tx, id)) === undefined) throw noSuchPerson();
    await tell(tx, by, "user.signed_out", id, await endAccess(tx, id));
  });
}

/** @throws AppError `not_found` */
export async function getAdminUser(db: Queries, id: string): Promise<AdminUser> {
  const user = await findAdminUser(db, id);
  if (user === undefined) throw noSuchPerson();
  return user;
}

async function shutOut(tx: Queries, userId: string): Promise<void> {
  await endAccess(tx, userId);
  await tx.deleteFrom("password_links").where("user_id", "=", userId).execute();
  await tx.deleteFrom("invitations").where("created_by", "=", userId).execute();
}

function tell(
  tx: Queries,
  by: ActingPerson,
  action: string,
  id: string,
  data: Record<string, string | number> = {},
): Promise<void> {
  return record(tx, {
    workspaceId: null,
    actor: { user: by.user },
    action,
    subject: `user ${id}`,
    data: { ...data, ip: by.ip ?? "unknown" },
  });
}

function noSuchPerson(): AppError {
  return new AppError("not_found", "there is no such person");
}
