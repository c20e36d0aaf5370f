import type { PasswordChange } from "@windshift/contract/api/user.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import type { Database, Queries } from "../db/database.ts";
import { endAccess } from "./person-access.ts";
import { deleteSessions } from "./session-store.ts";
import type { SignIn } from "./sign-in.ts";
import { findPasswordHash, setPasswordHash } from "./user-store.ts";

/**
 * Changes the caller's password; all their other sessions and their API tokens end.
 * @param session the one of the request
 * @throws AppError `invalid_input` for a wrong password; `conflict` for who has none
 */
export async function changeOwnPassword(
  database: Database,
  passwords: Pick<SignIn, "hashPassword" | "verifyPassword">,
  change: PasswordChange,
  by: ActingPerson & { session: string },
): Promise<void> {
  const present = await findPasswordHash(database.kysely, by.user);
  if (present === undefined)
    throw new AppError("conflict", "you have no password; an administrator can make a link to choose one");
  if (!(await passwords.verifyPassword(change.current_password, present))) throw wrongPassword();
  const passwordHash = await passwords.hashPassword(change.new_password);
  await database.transaction(async (tx) => {
    await setPasswordHash(tx, by.user, passwordHash);
    const ended = await endAccess(tx, by.user, { except: by.session });
    await record(tx, {
      workspaceId: null,
      actor: { user: by.user },
      action: "user.password_set",
      subject: `user ${by.user}`,
      data: { by: "password", ...ended, ip: by.ip ?? "unknown" },
    });
  });
}

/**
 * Asks for the password of who has one, before something that outlives the session: whoever found a browser open knows none.
 * @throws AppError `invalid_input` for a wrong or missing one
 */
export async function requireOwnPassword(
  db: Queries,
  passwords: Pick<SignIn, "verifyPassword">,
  userId: string,
  password: string | undefined,
): Promise<void> {
  const present = await findPasswordHash(db, userId);
  if (present === undefined) return;
  if (password === undefined || !(await passwords.verifyPassword(password, present))) throw wrongPassword();
}

/** Ends one of the caller's sessions, or all else: every other session, and the API tokens. @throws AppError `not_found` */
export async function endOwnSessions(
  database: Database,
  which: { only: string } | { except: string },
  by: ActingPerson,
): Promise<void> {
  await database.transaction(async (tx) => {
    const ended =
      "only" in which
        ? { sessions: await deleteSessions(tx, by.user, which) }
        : await endAccess(tx, by.user, which);
    if (ended.sessions === 0 && "only" in which) throw new AppError("not_found", "there is no such session");
    await record(tx, {
      workspaceId: null,
      actor: { user: by.user },
      action: "user.sessions_ended",
      subject: `user ${by.user}`,
      data: { ...ended, ip: by.ip ?? "unknown" },
    });
  });
}

function wrongPassword(): AppError {
  const message = "this is not your password";
  return new AppError("invalid_input", `current_password: ${message}`, {
    details: [{ path: "current_password", message }],
  });
}
