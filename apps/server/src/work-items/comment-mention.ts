import type { UserRef } from "@windshift/contract/api/user.ts";
import { calledHandles } from "@windshift/contract/handle.ts";
import { MENTIONS_MAX } from "@windshift/contract/limits.ts";
import type { Queries } from "../db/database.ts";
import { listMembers } from "../workspaces/membership-store.ts";

/** The members of a workspace that a comment calls by their handle; all of them where several share one. */
export async function findMentions(db: Queries, workspaceId: number, body: string): Promise<UserRef[]> {
  const called = calledHandles(body);
  if (called.size === 0) return [];
  const members = await listMembers(db, workspaceId);
  return members
    .filter(({ handle }) => called.has(handle))
    .slice(0, MENTIONS_MAX)
    .map(({ user_id, name, kind }) => ({ id: user_id, name, kind }));
}

/** Stores whom a comment calls, in place of whom it called before. @returns those it did not call before */
export async function storeMentions(
  tx: Queries,
  commentId: number,
  mentions: readonly UserRef[],
): Promise<UserRef[]> {
  const had = await tx
    .deleteFrom("comment_mentions")
    .where("comment_id", "=", commentId)
    .returning("user_id")
    .execute();
  if (mentions.length > 0)
    await tx
      .insertInto("comment_mentions")
      .values(mentions.map(({ id }) => ({ comment_id: commentId, user_id: id })))
      .execute();
  return mentions.filter(({ id }) => !had.some((row) => row.user_id === id));
}
