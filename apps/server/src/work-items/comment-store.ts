import type { Comment } from "@windshift/contract/api/comment.ts";
import { UserKind } from "@windshift/contract/api/user.ts";
import type { Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";

function selectComments(db: Queries) {
  return db
    .selectFrom("comments")
    .innerJoin("user", "user.id", "comments.author_id")
    .select([
      "comments.id",
      "comments.run_id",
      "comments.body",
      "comments.created_at_ms",
      "user.id as author_id",
      "user.name as author_name",
      "user.kind as author_kind",
    ]);
}

type CommentRow = NonNullable<Awaited<ReturnType<ReturnType<typeof selectComments>["executeTakeFirst"]>>>;

/** Oldest first, those numbered above `after`. */
export async function listComments(
  db: Queries,
  workItemId: number,
  page: { after: number; limit: number },
): Promise<Comment[]> {
  const rows = await selectComments(db)
    .where("comments.work_item_id", "=", workItemId)
    .where("comments.id", ">", page.after)
    .orderBy("comments.id")
    .limit(page.limit)
    .execute();
  return rows.map(toComment);
}

export async function getComment(db: Queries, id: number): Promise<Comment> {
  return toComment(await selectComments(db).where("comments.id", "=", id).executeTakeFirstOrThrow());
}

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

function toComment(row: CommentRow): Comment {
  return {
    id: row.id,
    author: { id: row.author_id, name: row.author_name, kind: UserKind.parse(row.author_kind) },
    run_id: row.run_id,
    body: row.body,
    created_at: isoTime(row.created_at_ms),
  };
}
