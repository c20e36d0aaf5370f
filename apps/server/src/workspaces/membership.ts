import type { Role } from "@windshift/contract/api/workspace.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { record } from "../audit/audit-store.ts";
import type { Database, Queries } from "../db/database.ts";
import { findUser } from "../users/user-store.ts";
import { countAdmins, findMemberKind, removeMember, setRole } from "./membership-store.ts";

interface MemberChange {
  workspaceId: number;
  userId: string;
  /** Who asks for it. */
  by: string;
}

/**
 * Adds a person to a workspace, or gives a member another role.
 * @throws AppError `invalid_input` for an unknown person, or an agent of elsewhere; `conflict` when no admin would be left
 */
export async function putMember(database: Database, change: MemberChange & { role: Role }): Promise<void> {
  await database.transaction(async (tx) => {
    await lockMembers(tx, change.workspaceId);
    const user = await findUser(tx, change.userId);
    const kind = await findMemberKind(tx, change.workspaceId, change.userId);
    if (user === undefined || (user.kind === "agent" && kind === undefined)) throw noSuchUser();
    if (user.kind === "agent" && change.role === "admin") throw agentAdmin();
    await setRole(tx, change);
    await requireAdmin(tx, change.workspaceId);
    await record(tx, {
      workspaceId: change.workspaceId,
      actor: { user: change.by },
      action: "member.set",
      subject: `user ${change.userId}`,
      data: { role: change.role },
    });
  });
}

/**
 * Ends a membership; what the member wrote stays.
 * @throws AppError `not_found` for those who are not members; `conflict` when no admin would be left
 */
export async function takeMemberOut(database: Database, change: MemberChange): Promise<void> {
  await database.transaction(async (tx) => {
    await lockMembers(tx, change.workspaceId);
    if ((await findMemberKind(tx, change.workspaceId, change.userId)) === undefined) {
      throw new AppError("not_found", "there is no such member");
    }
    await removeMember(tx, change.workspaceId, change.userId);
    await requireAdmin(tx, change.workspaceId);
    await record(tx, {
      workspaceId: change.workspaceId,
      actor: { user: change.by },
      action: "member.removed",
      subject: `user ${change.userId}`,
    });
  });
}

/** Two changes come one after the other, so that two admins cannot remove each other at once. */
async function lockMembers(tx: Queries, workspaceId: number): Promise<void> {
  await tx
    .updateTable("workspaces")
    .set((eb) => ({ name: eb.ref("name") }))
    .where("id", "=", workspaceId)
    .execute();
}

async function requireAdmin(tx: Queries, workspaceId: number): Promise<void> {
  if ((await countAdmins(tx, workspaceId)) === 0) {
    throw new AppError("conflict", "the workspace would have no admin left; make somebody else admin first");
  }
}

function noSuchUser(): AppError {
  const message = "no such user; an agent is made in the workspace it works for";
  return new AppError("invalid_input", `user_id: ${message}`, { details: [{ path: "user_id", message }] });
}
function agentAdmin(): AppError {
  const message = "an agent can be a member or a viewer";
  return new AppError("invalid_input", `role: ${message}`, { details: [{ path: "role", message }] });
}
