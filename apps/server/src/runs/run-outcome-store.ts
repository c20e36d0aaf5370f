import { moveItem } from "../activity/item-change.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Run } from "./run.ts";

/** Links the pull request on the item, once. */
export async function linkPullRequest(
  database: Database,
  run: Run,
  link: { url: string; title: string },
): Promise<void> {
  await database.kysely
    .insertInto("item_links")
    .values({
      work_item_id: run.work_item_id,
      kind: "pull_request",
      url: link.url,
      title: link.title,
      run_id: run.id,
      created_at_ms: dbNowMs(database.engine),
    })
    .onConflict((oc) => oc.columns(["work_item_id", "url"]).doNothing())
    .execute();
}

/** Posts the run's result as a comment of its agent, once per attempt. */
export async function postResultComment(database: Database, run: Run, body: string): Promise<void> {
  await database.kysely
    .insertInto("comments")
    .values({
      work_item_id: run.work_item_id,
      author_id: run.agent_user_id,
      run_id: run.id,
      dedupe_key: resultKey(run),
      body,
      created_at_ms: dbNowMs(database.engine),
    })
    .onConflict((oc) => oc.column("dedupe_key").doNothing())
    .execute();
}

/** What people wrote on the item after the run's result, oldest first. */
export function listRepliesToResult(db: Queries, run: Run): Promise<{ author_id: string; body: string }[]> {
  return db
    .selectFrom("comments")
    .select(["author_id", "body"])
    .where("work_item_id", "=", run.work_item_id)
    .where("run_id", "is", null)
    .where("id", ">", (eb) => eb.selectFrom("comments").select("id").where("dedupe_key", "=", resultKey(run)))
    .orderBy("id")
    .execute();
}

function resultKey(run: Run): string {
  return `run:${run.id}:${run.attempt}:result`;
}

/** An item whose pull request waits for review is in review, unless a person moved it elsewhere. */
export async function setItemInReview(database: Database, run: Run): Promise<void> {
  const { work_item_id: workItemId, agent_user_id: by, id: runId } = run;
  await database.transaction((tx) =>
    moveItem(database, tx, { workItemId, from: ["todo", "in_progress"], to: "in_review", by, runId }),
  );
}
