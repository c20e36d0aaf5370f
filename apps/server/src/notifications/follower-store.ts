import type { Queries } from "../db/database.ts";

/** Makes people followers of an item; who said no before stays out. */
export async function follow(tx: Queries, workItemId: number, userIds: readonly string[]): Promise<void> {
  if (userIds.length === 0) return;
  await tx
    .insertInto("followers")
    .values(userIds.map((user_id) => ({ work_item_id: workItemId, user_id, following: 1 })))
    .onConflict((oc) => oc.columns(["work_item_id", "user_id"]).doNothing())
    .execute();
}

/** What a person wants to hear of an item, whatever they do with it. */
export async function setFollowing(
  db: Queries,
  workItemId: number,
  userId: string,
  following: boolean,
): Promise<void> {
  const value = following ? 1 : 0;
  await db
    .insertInto("followers")
    .values({ work_item_id: workItemId, user_id: userId, following: value })
    .onConflict((oc) => oc.columns(["work_item_id", "user_id"]).doUpdateSet({ following: value }))
    .execute();
}

/** False as well for who never was a follower. */
export async function isFollowing(db: Queries, workItemId: number, userId: string): Promise<boolean> {
  const row = await db
    .selectFrom("followers")
    .select("following")
    .where("work_item_id", "=", workItemId)
    .where("user_id", "=", userId)
    .executeTakeFirst();
  return row?.following === 1;
}

/** Ids of the people who hear of an item, in no order. */
export async function listFollowers(db: Queries, workItemId: number): Promise<string[]> {
  const rows = await db
    .selectFrom("followers")
    .select("user_id")
    .where("work_item_id", "=", workItemId)
    .where("following", "=", 1)
    .execute();
  return rows.map((row) => row.user_id);
}
