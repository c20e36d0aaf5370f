import type {
  InvitationSignUp,
  InvitationView,
  InvitationWithLink,
  JoinedWorkspace,
  NewInvitation,
} from "@windshift/contract/api/invitation.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { createToken, hashToken } from "@windshift/contract/tokens.ts";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";
import { findUser, insertPerson } from "../users/user-store.ts";
import { findRole, setRole } from "../workspaces/membership-store.ts";
import { deleteInvitation, findInvitation, getInvitation, type OpenInvitation } from "./invitation-store.ts";

/** A day of UTC, ms. */
const DAY_MS = 86_400_000;
/** Invitations of a workspace that can be taken at once; more are forgotten ones. */
const OPEN_MAX = 200;

/** Makes an invitation; its link is shown once. @throws AppError `conflict` when too many are open */
export async function createInvitation(
  database: Database,
  workspaceId: number,
  wanted: NewInvitation,
  parts: { baseUrl: string; by: ActingPerson },
): Promise<InvitationWithLink> {
  const token = createToken("invitation");
  return database.transaction(async (tx) => {
    const now = dbNowMs(database.engine);
    await tx
      .deleteFrom("invitations")
      .where("workspace_id", "=", workspaceId)
      .where("expires_at_ms", "<=", now)
      .execute();
    await requireRoom(tx, workspaceId);
    const { id } = await tx
      .insertInto("invitations")
      .values((eb) => ({
        workspace_id: workspaceId,
        role: wanted.role,
        email: wanted.email,
        token_hash: hashToken(token),
        created_by: parts.by.user,
        created_at_ms: now,
        expires_at_ms: eb(now, "+", wanted.expires_in_days * DAY_MS),
      }))
      .returning("id")
      .executeTakeFirstOrThrow();
    await record(tx, {
      workspaceId,
      actor: { user: parts.by.user },
      action: "invitation.created",
      subject: `invitation ${id}`,
      data: { role: wanted.role, email: wanted.email, ip: parts.by.ip ?? "unknown" },
    });
    return { ...(await getInvitation(tx, id)), url: `${parts.baseUrl}/invite/${token}` };
  });
}

/** Takes an invitation back. @throws AppError `not_found` */
export async function revokeInvitation(
  database: Database,
  workspaceId: number,
  id: number,
  by: ActingPerson,
): Promise<void> {
  await database.transaction(async (tx) => {
    if (!(await deleteInvitation(tx, id, workspaceId)))
      throw new AppError("not_found", "there is no such invitation");
    await record(tx, {
      workspaceId,
      actor: { user: by.user },
      action: "invitation.deleted",
      subject: `invitation ${id}`,
    });
  });
}

/** @throws AppError `not_found` for a link that cannot be taken */
export async function viewInvitation(database: Database, token: string): Promise<InvitationView> {
  const found = await findInvitation(database, database.kysely, token);
  return {
    workspace: { key: found.workspaceKey, name: found.workspaceName },
    role: found.role,
    email: found.email,
    invited_by: found.invitedBy,
    expires_at: isoTime(found.expiresAtMs),
  };
}

/**
 * Takes an invitation with the account one is signed in with.
 * @throws AppError `not_found`; `conflict` for who is in already; `forbidden` when it is for another address
 */
export function acceptInvitation(
  database: Database,
  token: string,
  by: ActingPerson,
): Promise<JoinedWorkspace> {
  return database.transaction(async (tx) => {
    const invitation = await findInvitation(database, tx, token);
    const user = await findUser(tx, by.user);
    if (invitation.email !== null && invitation.email !== user?.email)
      throw new AppError("forbidden", "this invitation is for another e-mail address");
    if ((await findRole(tx, invitation.workspaceId, by.user)) !== undefined)
      throw new AppError("conflict", `you are in ${invitation.workspaceKey} already`);
    return join(tx, invitation, by);
  });
}

/**
 * Takes an invitation with a new account.
 * @param hash hashes the password; not called for a link that is not known
 * @throws AppError `not_found`; `conflict` when the e-mail address is taken; `forbidden` when it is for another one
 */
export async function signUpByInvitation(
  database: Database,
  wanted: InvitationSignUp,
  hash: (password: string) => Promise<string>,
  ip: string | undefined,
): Promise<JoinedWorkspace> {
  const { token, password, name, email } = wanted;
  const { email: only } = await findInvitation(database, database.kysely, token);
  if (only !== null && only !== email)
    throw new AppError("forbidden", "this invitation is for another e-mail address");
  const passwordHash = await hash(password);
  return database.transaction(async (tx) => {
    const invitation = await findInvitation(database, tx, token);
    const id = await insertPerson(tx, { name, email, passwordHash, admin: false });
    await record(tx, {
      workspaceId: null,
      actor: { user: id },
      action: "user.created",
      subject: `user ${id}`,
      data: { by: `invitation ${invitation.id}`, ip: ip ?? "unknown" },
    });
    return join(tx, invitation, { user: id, ip });
  });
}

async function join(tx: Queries, invitation: OpenInvitation, by: ActingPerson): Promise<JoinedWorkspace> {
  const { id, workspaceId, role } = invitation;
  if (!(await deleteInvitation(tx, id, workspaceId)))
    throw new AppError("not_found", "this invitation was used");
  await setRole(tx, { workspaceId, userId: by.user, role });
  await record(tx, {
    workspaceId,
    actor: { user: by.user },
    action: "invitation.accepted",
    subject: `invitation ${id}`,
    data: { role, ip: by.ip ?? "unknown" },
  });
  return { key: invitation.workspaceKey, name: invitation.workspaceName, role };
}

async function requireRoom(tx: Queries, workspaceId: number): Promise<void> {
  const { count } = await tx
    .selectFrom("invitations")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("workspace_id", "=", workspaceId)
    .executeTakeFirstOrThrow();
  if (count >= OPEN_MAX)
    throw new AppError("conflict", `${OPEN_MAX} invitations are open; take back those that nobody needs`);
}
