import { type NewWorkspace, Role, type Workspace } from "@windshift/contract/api/workspace.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { WorkspaceKey } from "@windshift/contract/ids.ts";
import type { Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { Scope } from "../http/access.ts";
import { isoTime } from "../http/json.ts";

/** Scope of paths with a `{key}`. */
export const workspaceScope: Scope = async (db, params) => {
  const key = WorkspaceKey.safeParse(params.key);
  const row = key.success ? await findWorkspace(db, key.data) : undefined;
  return row && { workspaceId: row.id };
};

/** By its key. @returns undefined when there is none */
export function findWorkspace(db: Queries, key: string): Promise<Row<"workspaces"> | undefined> {
  return db.selectFrom("workspaces").selectAll().where("key", "=", key).executeTakeFirst();
}

/** The workspaces a person is a member of, by key. */
export async function listWorkspaces(db: Queries, userId: string): Promise<Workspace[]> {
  const rows = await db
    .selectFrom("workspaces")
    .innerJoin("memberships", "memberships.workspace_id", "workspaces.id")
    .select(["key", "name", "role", "workspaces.created_at_ms"])
    .where("memberships.user_id", "=", userId)
    .orderBy("key")
    .execute();
  return rows.map(({ created_at_ms, ...row }) => ({
    ...row,
    role: Role.parse(row.role),
    created_at: isoTime(created_at_ms),
  }));
}

/** The key stays: it is part of the name of every item. */
export async function renameWorkspace(tx: Queries, id: number, name: string): Promise<void> {
  await tx.updateTable("workspaces").set({ name }).where("id", "=", id).execute();
}

/** Ids of the workspaces a person is a member of. */
export async function listWorkspaceIds(db: Queries, userId: string): Promise<number[]> {
  const rows = await db
    .selectFrom("memberships")
    .select("workspace_id")
    .where("user_id", "=", userId)
    .execute();
  return rows.map((row) => row.workspace_id);
}

/**
 * @returns its id
 * @throws AppError `conflict` when the key is taken
 */
export async function createWorkspace(tx: Queries, workspace: NewWorkspace): Promise<number> {
  const row = await tx
    .insertInto("workspaces")
    .values({ ...workspace, created_at_ms: Date.now() })
    .onConflict((oc) => oc.column("key").doNothing())
    .returning("id")
    .executeTakeFirst();
  if (row === undefined)
    throw new AppError("conflict", `the workspace key ${workspace.key} is taken; choose another`);
  return row.id;
}
