import { UserKind } from "@windshift/contract/api/user.ts";
import type { Member } from "@windshift/contract/api/workspace.ts";
import { Role } from "@windshift/contract/api/workspace.ts";
import { handleOf } from "@windshift/contract/handle.ts";
import type { Queries } from "../db/database.ts";

/** The caller's role, undefined for those who are not members. Nobody whose account is disabled is a caller. */
export async function findRole(db: Queries, workspaceId: number, userId: string): Promise<Role | undefined> {
  const row = await membership(db, workspaceId, userId).select("memberships.role").executeTakeFirst();
  return row && Role.parse(row.role);
}

/** The role of somebody in whose name something begins while they are not there: undefined too once their account is disabled. */
export async function findAbsentRole(
  db: Queries,
  workspaceId: number,
  userId: string,
): Promise<Role | undefined> {
  const row = await membership(db, workspaceId, userId)
    .innerJoin("user", "user.id", "memberships.user_id")
    .select("memberships.role")
    .where("user.disabled_at_ms", "is", null)
    .executeTakeFirst();
  return row && Role.parse(row.role);
}

/** Adds a member, or gives a member another role. */
export async function setRole(
  tx: Queries,
  member: { workspaceId: number; userId: string; role: Role },
): Promise<void> {
  await tx
    .insertInto("memberships")
    .values({
      workspace_id: member.workspaceId,
      user_id: member.userId,
      role: member.role,
      created_at_ms: Date.now(),
    })
    .onConflict((oc) => oc.columns(["workspace_id", "user_id"]).doUpdateSet({ role: member.role }))
    .execute();
}

/** They need not be one. That an administrator is left, the caller sees to. */
export async function removeMember(tx: Queries, workspaceId: number, userId: string): Promise<void> {
  await tx
    .deleteFrom("memberships")
    .where("workspace_id", "=", workspaceId)
    .where("user_id", "=", userId)
    .execute();
}

/** People who administrate the workspace and can sign in. No change of its members takes the last one away. */
export async function countAdmins(tx: Queries, workspaceId: number): Promise<number> {
  const rows = await tx
    .selectFrom("memberships")
    .innerJoin("user", "user.id", "memberships.user_id")
    .select("memberships.user_id")
    .where("memberships.workspace_id", "=", workspaceId)
    .where("memberships.role", "=", "admin")
    .where("user.kind", "=", "person")
    .where("user.disabled_at_ms", "is", null)
    .execute();
  return rows.length;
}

/** People and agents of the workspace, by name. */
export async function listMembers(db: Queries, workspaceId: number): Promise<Member[]> {
  const rows = await db
    .selectFrom("memberships")
    .innerJoin("user", "user.id", "memberships.user_id")
    .select(["user.id as user_id", "user.name", "user.kind", "memberships.role"])
    .where("memberships.workspace_id", "=", workspaceId)
    .orderBy("user.name")
    .orderBy("user.id")
    .execute();
  return rows.map((row) => ({
    ...row,
    handle: handleOf(row.name),
    kind: UserKind.parse(row.kind),
    role: Role.parse(row.role),
  }));
}

/** What the member is, undefined for those who are not members. */
export async function findMemberKind(
  db: Queries,
  workspaceId: number,
  userId: string,
): Promise<UserKind | undefined> {
  const row = await membership(db, workspaceId, userId)
    .innerJoin("user", "user.id", "memberships.user_id")
    .select("user.kind")
    .executeTakeFirst();
  return row && UserKind.parse(row.kind);
}

function membership(db: Queries, workspaceId: number, userId: string) {
  return db
    .selectFrom("memberships")
    .where("memberships.workspace_id", "=", workspaceId)
    .where("memberships.user_id", "=", userId);
}
