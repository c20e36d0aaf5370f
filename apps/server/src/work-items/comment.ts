import { AppError } from "@windshift/contract/app-error.ts";
import { RUN_COMMENTS_MAX } from "@windshift/contract/limits.ts";
import { recordActivity } from "../activity/activity-store.ts";
import { announceItems } from "../activity/item-change.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Grant } from "../http/access.ts";
import type { Person, RunCaller } from "../http/principal.ts";
import { tellCommented, tellMentioned } from "../notifications/item-news.ts";
import { findMentions, storeMentions } from "./comment-mention.ts";
import { countRunComments, findCommentRow, insertComment } from "./comment-store.ts";
import type { AttemptFence, Triggers } from "./triggers.ts";
import { touchWorkItem } from "./work-item-store.ts";

export interface CommentPorts {
  database: Database;
  triggers: Triggers;
  fence: AttemptFence;
  /** Whether the agent of a run reads comments by people who are not in the workspace (PI-04). */
  hearsOutside(runId: number): Promise<boolean>;
}

interface NewCommentOn {
  workspaceId: number;
  workItemId: number;
  body: string;
}

/** Stores a person's comment, which may set an agent to work. @returns its id */
export async function commentAsPerson(
  ports: CommentPorts,
  person: Person,
  comment: NewCommentOn,
): Promise<number> {
  const { workspaceId, workItemId, body } = comment;
  const id = await ports.database.transaction(async (tx) => {
    await touchWorkItem(tx, workItemId);
    const author = { authorId: person.userId, runId: null };
    const { commentId, mentionedAgents } = await storeComment(ports.database, tx, { ...comment, ...author });
    const trigger = { workspaceId, workItemId, commentId, authorId: person.userId, body, mentionedAgents };
    await ports.triggers.commented(tx, trigger);
    return commentId;
  });
  await ports.triggers.committed();
  return id;
}

/**
 * Stores a comment of a run's agent (PI-05). It tells people and triggers nothing, whomever it calls (PI-06).
 * @returns its id
 * @throws AppError `lease_lost` when the attempt is no longer the live one; `conflict` after RUN_COMMENTS_MAX of a run
 */
export async function commentAsRun(
  ports: CommentPorts,
  run: RunCaller,
  comment: NewCommentOn,
): Promise<number> {
  return ports.database.transaction(async (tx) => {
    // Item before run, as a trigger does it: two transactions never wait for each other.
    await touchWorkItem(tx, comment.workItemId);
    if (!(await ports.fence.holdLive(tx, run.runId, run.attempt))) {
      throw new AppError("lease_lost", `attempt ${run.attempt} of run ${run.runId} may no longer write`);
    }
    if ((await countRunComments(tx, run.runId)) >= RUN_COMMENTS_MAX) {
      throw new AppError(
        "conflict",
        `this run has posted ${RUN_COMMENTS_MAX} comments, which is all it may; put the rest into the summary`,
      );
    }
    const author = { authorId: run.agentUserId, runId: run.runId };
    return (await storeComment(ports.database, tx, { ...comment, ...author })).commentId;
  });
}

async function storeComment(
  database: Database,
  tx: Queries,
  comment: NewCommentOn & { authorId: string; runId: number | null },
): Promise<{ commentId: number; mentionedAgents: string[] }> {
  const { workspaceId, workItemId, authorId: actorId, runId, body } = comment;
  const commentId = await insertComment(tx, comment);
  const mentions = await findMentions(tx, workspaceId, body);
  await storeMentions(tx, commentId, mentions);
  const change = { kind: "comment" as const, comment_id: commentId };
  await recordActivity(tx, [{ workspaceId, workItemId, actorId, runId, change }]);
  await tellCommented(database, tx, { ...comment, commentId, mentioned: mentions.map(({ id }) => id) });
  announceItems(database, tx, workspaceId);
  const agents = mentions.filter(({ kind }) => kind === "agent");
  return { commentId, mentionedAgents: agents.map(({ id }) => id) };
}

/**
 * Changes the text of a person's own comment. Whom it calls now and did not before is told; no agent is set to work.
 * @throws AppError `forbidden` for a comment of somebody else
 */
export async function editComment(
  { database }: CommentPorts,
  place: { workspaceId: number; workItemId: number; commentId: number },
  person: Person,
  body: string,
): Promise<void> {
  const { workspaceId, workItemId, commentId } = place;
  await database.transaction(async (tx) => {
    await touchWorkItem(tx, workItemId);
    const comment = await requireComment(tx, commentId);
    if (comment.author_id !== person.userId)
      throw new AppError("forbidden", "only who wrote a comment may change it");
    if (comment.body === body) return;
    await tx
      .updateTable("comments")
      .set({ body, edited_at_ms: Date.now() })
      .where("id", "=", commentId)
      .execute();
    const added = await storeMentions(tx, commentId, await findMentions(tx, workspaceId, body));
    const mentioned = added.map(({ id }) => id);
    const news = { ...place, authorId: person.userId, runId: null, body, mentioned };
    await tellMentioned(database, tx, news);
    announceItems(database, tx, workspaceId);
  });
}

/**
 * Deletes a comment and what was told of it.
 * @throws AppError `forbidden` for who neither wrote it nor administrates the workspace
 */
export async function deleteComment(
  { database }: CommentPorts,
  place: Grant & { workItemId: number; commentId: number },
  person: Person,
): Promise<void> {
  const { workspaceId, workItemId, commentId } = place;
  await database.transaction(async (tx) => {
    await touchWorkItem(tx, workItemId);
    const comment = await requireComment(tx, commentId);
    if (comment.author_id !== person.userId && place.role !== "admin")
      throw new AppError("forbidden", "only who wrote a comment or an admin of the workspace may delete it");
    await tx.deleteFrom("notifications").where("comment_id", "=", commentId).execute();
    await tx.deleteFrom("comments").where("id", "=", commentId).execute();
    const change = { kind: "comment_deleted" as const };
    await recordActivity(tx, [{ workspaceId, workItemId, actorId: person.userId, change }]);
    announceItems(database, tx, workspaceId);
  });
}

async function requireComment(tx: Queries, id: number) {
  const comment = await findCommentRow(tx, id);
  if (comment === undefined) throw new AppError("not_found", "not found");
  return comment;
}
