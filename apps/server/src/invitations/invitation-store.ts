import type { Invitation } from "@windshift/contract/api/invitation.ts";
import { Role } from "@windshift/contract/api/workspace.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { hashToken } from "@windshift/contract/tokens.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";

/** Invitations of a workspace that can still be taken, newest first. */
export async function listInvitations(database: Database, workspaceId: number): Promise<Invitation[]> {
  const rows = await selectInvitations(database.kysely)
    .where("workspace_id", "=", workspaceId)
    .where("expires_at_ms", ">", dbNowMs(database.engine))
    .orderBy("invitations.id", "desc")
    .execute();
  return rows.map(viewInvitation);
}

/** One that must be there. Rejects when it is not. */
export async function getInvitation(db: Queries, id: number): Promise<Invitation> {
  return viewInvitation(
    await selectInvitations(db).where("invitations.id", "=", id).executeTakeFirstOrThrow(),
  );
}

/** An invitation as the holder of its link finds it. */
export interface OpenInvitation {
  id: number;
  workspaceId: number;
  workspaceKey: string;
  workspaceName: string;
  role: Role;
  email: string | null;
  invitedBy: string;
  expiresAtMs: number;
}

/** @throws AppError `not_found` for an unknown, used or expired link, or one whose maker may not invite any more */
export async function findInvitation(
  database: Database,
  db: Queries,
  token: string,
): Promise<OpenInvitation> {
  const row = await db
    .selectFrom("invitations")
    .innerJoin("workspaces", "workspaces.id", "invitations.workspace_id")
    .innerJoin("user", "user.id", "invitations.created_by")
    .innerJoin("memberships", (join) =>
      join
        .onRef("memberships.workspace_id", "=", "invitations.workspace_id")
        .onRef("memberships.user_id", "=", "invitations.created_by")
        .on("memberships.role", "=", "admin"),
    )
    .select([
      "invitations.id",
      "invitations.role",
      "invitations.email",
      "invitations.expires_at_ms",
      "workspaces.id as workspace_id",
      "workspaces.key",
      "workspaces.name",
      "user.name as invited_by",
    ])
    .where("token_hash", "=", hashToken(token))
    .where("expires_at_ms", ">", dbNowMs(database.engine))
    .where("user.disabled_at_ms", "is", null)
    .executeTakeFirst();
  if (row === undefined)
    throw new AppError(
      "not_found",
      "this invitation was used, taken back, or is too old; ask for another one",
    );
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    workspaceKey: row.key,
    workspaceName: row.name,
    role: Role.parse(row.role),
    email: row.email,
    invitedBy: row.invited_by,
    expiresAtMs: row.expires_at_ms,
  };
}

/** @returns whether it was there: of two who take it at the same time one is in */
export async function deleteInvitation(tx: Queries, id: number, workspaceId: number): Promise<boolean> {
  const gone = await tx
    .deleteFrom("invitations")
    .where("id", "=", id)
    .where("workspace_id", "=", workspaceId)
    .returning("id")
    .executeTakeFirst();
  return gone !== undefined;
}

function selectInvitations(db: Queries) {
  return db
    .selectFrom("invitations")
    .innerJoin("user", "user.id", "invitations.created_by")
    .selectAll("invitations")
    .select("user.name as creator");
}

type InvitationRow = Awaited<ReturnType<ReturnType<typeof selectInvitations>["execute"]>>[number];

function viewInvitation(row: InvitationRow): Invitation {
  return {
    id: row.id,
    role: Role.parse(row.role),
    email: row.email,
    created_by: row.creator,
    created_at: isoTime(row.created_at_ms),
    expires_at: isoTime(row.expires_at_ms),
  };
}
