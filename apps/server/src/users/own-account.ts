import type { PasswordChange } from "@windshift/contract/api/user.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import type { Database } from "../db/database.ts";
import { deleteSessions } from "./session-store.ts";
import type { SignIn } from "./sign-in.ts";
import { findPasswordHash, setPasswordHash } from "./user-store.ts";

/**
 * Changes the caller's password; all their other sessions end.
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
  if (!(await passwords.verifyPassword(change.current_password, present))) {
    const message = "this is not your password";
    throw new AppError("invalid_input", `current_password: ${message}`, {
      details: [{ path: "current_password", message }],
    });
  }
  const passwordHash = await passwords.hashPassword(change.new_password);
  await database.transaction(async (tx) => {
    await setPasswordHash(tx, by.user, passwordHash);
    await deleteSessions(tx, by.user, { except: by.session });
    await record(tx, {
      workspaceId: null,
      actor: { user: by.user },
      action: "user.password_set",
      subject: `user ${by.user}`,
      data: { by: "password", ip: by.ip ?? "unknown" },
    });
  });
}

/** Ends one of the caller's sessions, or all but the one of the request. @throws AppError `not_found` */
export async function endOwnSessions(
  database: Database,
  which: { only: string } | { except: string },
  by: ActingPerson,
): Promise<void> {
  await database.transaction(async (tx) => {
    const count = await deleteSessions(tx, by.user, which);
    if (count === 0 && "only" in which) throw new AppError("not_found", "there is no such session");
    await record(tx, {
      workspaceId: null,
      actor: { user: by.user },
      action: "user.sessions_ended",
      subject: `user ${by.user}`,
      data: { sessions: count, ip: by.ip ?? "unknown" },
    });
  });
}
