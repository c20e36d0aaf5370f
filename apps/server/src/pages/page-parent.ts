import { AppError } from "@windshift/contract/app-error.ts";
import { PAGE_DEPTH_MAX } from "@windshift/contract/limits.ts";
import type { Queries } from "../db/database.ts";

/** Until the transaction ends no other page of the workspace is made or moved: two cannot come to lie under each other. */
export async function lockPageTree(tx: Queries, workspaceId: number): Promise<void> {
  await tx
    .updateTable("workspaces")
    .set((eb) => ({ name: eb.ref("name") }))
    .where("id", "=", workspaceId)
    .execute();
}

/**
 * @param page the one that is moved; undefined for one that is being made
 * @throws AppError `invalid_input` when there is no such page in the workspace, it lies below `page`, or the tree would be too deep
 */
export async function requireParent(
  tx: Queries,
  workspaceId: number,
  parentId: number | null,
  page: number | undefined,
): Promise<void> {
  if (parentId === null) return;
  const above = await listAbove(tx, workspaceId, parentId);
  if (above.length === 0) throw refused("there is no such page in this workspace");
  if (page !== undefined && above.includes(page)) throw refused("the page would lie below itself");
  const depth = above.length + (page === undefined ? 1 : await heightOf(tx, page));
  if (depth > PAGE_DEPTH_MAX) throw refused(`pages lie at most ${PAGE_DEPTH_MAX} deep`);
}

/** The page itself and those it lies under, from below; nothing where there is no such page. */
async function listAbove(tx: Queries, workspaceId: number, id: number): Promise<number[]> {
  const above: number[] = [];
  for (let next: number | null = id; next !== null && above.length <= PAGE_DEPTH_MAX; ) {
    const row: { id: number; parent_id: number | null } | undefined = await tx
      .selectFrom("pages")
      .select(["id", "parent_id"])
      .where("id", "=", next)
      .where("workspace_id", "=", workspaceId)
      .executeTakeFirst();
    if (row !== undefined) above.push(row.id);
    next = row?.parent_id ?? null;
  }
  return above;
}

/** How many levels the page and what lies below it take, counted up to one more than is allowed. */
async function heightOf(tx: Queries, id: number): Promise<number> {
  for (let height = 1; height <= PAGE_DEPTH_MAX; height++) {
    let level = tx.selectFrom("pages").select("pages.id").where("parent_id", "=", id);
    for (let n = 1; n < height; n++)
      level = tx.selectFrom("pages").select("pages.id").where("parent_id", "in", level);
    if ((await level.limit(1).executeTakeFirst()) === undefined) return height;
  }
  return PAGE_DEPTH_MAX + 1;
}

function refused(message: string): AppError {
  return new AppError("invalid_input", `parent_id: ${message}`, {
    details: [{ path: "parent_id", message }],
  });
}
