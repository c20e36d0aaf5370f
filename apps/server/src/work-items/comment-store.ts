import type { Comment } from "@windshift/contract/api/comment.ts";
import { UserKind, type UserRef } from "@windshift/contract/api/user.ts";
import type { Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { Scope } from "../http/access.ts";
import { isoTime } from "../http/json.ts";
import { parseRowId } from "../http/params.ts";
import { DELETED } from "./work-item-store.ts";

/** Scope of paths with a `{comment}`. */
export const commentScope: Scope = async (db, params) => {
  const id = parseRowId(params.comment);
  if (id === undefined) return undefined;
  const row = await db
    .selectFrom("comments")
    .innerJoin("work_items", "work_items.id", "comments.work_item_id")
    .select(["work_items.id", "work_items.workspace_id"])
    .where("comments.id", "=", id)
    .where("work_items.hidden", "<", DELETED)
    .executeTakeFirst();
  return row && { workspaceId: row.workspace_id, workItemId: row.id };
};

function selectComments(db: Queries) {
  return db
    .selectFrom("comments")
    .innerJoin("user", "user.id", "comments.author_id")
    .select([
      "comments.id",
      "comments.run_id",
      "comments.body",
      "comments.created_at_ms",
      "comments.edited_at_ms",
      "user.id as author_id",
      "user.name as author_name",
      "user.kind as author_kind",
    ]);
}

type CommentRow = NonNullable<Awaited<ReturnType<ReturnType<typeof selectComments>["executeTakeFirst"]>>>;

/**
 * Oldest first, those numbered above `after`.
 * @param page with `insideOnly` those by members of the workspace alone
 */
export async function listComments(
  db: Queries,
  workItemId: number,
  page: { after: number; limit: number; insideOnly?: boolean },
): Promise<Comment[]> {
  let query = selectComments(db)
    .where("comments.work_item_id", "=", workItemId)
    .where("comments.id", ">", page.after);
  if (page.insideOnly === true)
    query = query.where("comments.author_id", "in", (eb) =>
      eb
        .selectFrom("memberships")
        .innerJoin("work_items", "work_items.workspace_id", "memberships.workspace_id")
        .select("memberships.user_id")
        .where("work_items.id", "=", workItemId),
    );
  const rows = await query.orderBy("comments.id").limit(page.limit).execute();
  const mentions = await mentionsOf(
    db,
    rows.map((row) => row.id),
  );
  return rows.map((row) => toComment(row, mentions));
}

/** A comment as the API shows it. Rejects when it is not there. */
export async function getComment(db: Queries, id: number): Promise<Comment> {
  const row = await selectComments(db).where("comments.id", "=", id).executeTakeFirstOrThrow();
  return toComment(row, await mentionsOf(db, [id]));
}

/** A comment as it is stored. */
export function findCommentRow(db: Queries, id: number): Promise<Row<"comments"> | undefined> {
  return db.selectFrom("comments").selectAll().where("id", "=", id).executeTakeFirst();
}

/** By name; one statement for a page of comments. */
async function mentionsOf(db: Queries, commentIds: readonly number[]): Promise<Map<number, UserRef[]>> {
  const mentions = new Map<number, UserRef[]>();
  if (commentIds.length === 0) return mentions;
  const rows = await db
    .selectFrom("comment_mentions")
    .innerJoin("user", "user.id", "comment_mentions.user_id")
    .select(["comment_mentions.comment_id", "user.id", "user.name", "user.kind"])
    .where("comment_mentions.comment_id", "in", commentIds)
    .orderBy("user.name")
    .orderBy("user.id")
    .execute();
  for (const { comment_id, id, name, kind } of rows) {
    const refs = mentions.get(comment_id) ?? [];
    mentions.set(comment_id, [...refs, { id, name, kind: UserKind.parse(kind) }]);
  }
  return mentions;
}

/** Of an item, whoever wrote them. */
export async function countComments(db: Queries, workItemId: number): Promise<number> {
  const { count } = await db
    .selectFrom("comments")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("work_item_id", "=", workItemId)
    .executeTakeFirstOrThrow();
  return count;
}

/** Comments the run's agent wrote itself, over all attempts; those of the system are not counted. */
export async function countRunComments(db: Queries, runId: number): Promise<number> {
  const { count } = await db
    .selectFrom("comments")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("run_id", "=", runId)
    .where("dedupe_key", "is", null)
    .executeTakeFirstOrThrow();
  return count;
}

/** @returns its id */
export async function insertComment(
  tx: Queries,
  comment: { workItemId: number; authorId: string; runId: number | null; body: string },
): Promise<number> {
  const { id } = await tx
    .insertInto("comments")
    .values({
      work_item_id: comment.workItemId,
      author_id: comment.authorId,
      run_id: comment.runId,
      body: comment.body,
      created_at_ms: Date.now(),
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id;
}

function toComment(row: CommentRow, mentions: Map<number, UserRef[]>): Comment {
  return {
    id: row.id,
    author: { id: row.author_id, name: row.author_name, kind: UserKind.parse(row.author_kind) },
    run_id: row.run_id,
    body: row.body,
    mentions: mentions.get(row.id) ?? [],
    created_at: isoTime(row.created_at_ms),
    edited_at: row.edited_at_ms === null ? null : isoTime(row.edited_at_ms),
  };
}
