import { recordActivity } from "../activity/activity-store.ts";
import { announceItems } from "../activity/item-change.ts";
import type { Database, Queries } from "../db/database.ts";
import { excerptOf } from "./excerpt.ts";
import { listFollowers } from "./follower-store.ts";
import { notify } from "./notification-store.ts";

export type PullRequestEvent = "opened" | "merged" | "closed" | "reopened";

/**
 * Notes on the item what became of its pull request, and tells its followers and who asked for the run. In the transaction
 * of the change.
 * @param by who did it; null when it was seen on a forge, and for the opening, which is its agent's
 */
export async function tellPullRequest(
  database: Database,
  tx: Queries,
  id: number,
  event: PullRequestEvent,
  by: string | null,
): Promise<void> {
  const pull = await tx
    .selectFrom("pull_requests")
    .innerJoin("runs", "runs.id", "pull_requests.run_id")
    .select([
      "pull_requests.id",
      "pull_requests.number",
      "pull_requests.title",
      "pull_requests.url",
      "pull_requests.run_id",
      "pull_requests.work_item_id",
      "runs.workspace_id",
      "runs.requested_by",
      "runs.agent_user_id",
    ])
    .where("pull_requests.id", "=", id)
    .executeTakeFirstOrThrow();
  const { number, title, url, run_id: runId } = pull;
  const place = { workspaceId: pull.workspace_id, workItemId: pull.work_item_id };
  const actorId = event === "opened" ? pull.agent_user_id : by;
  const change = { kind: `pull_request_${event}` as const, pull_request: { id, number, title, url } };
  await recordActivity(tx, [{ ...place, actorId, runId, change }]);
  const listeners = [pull.requested_by, ...(await listFollowers(tx, pull.work_item_id))];
  await notify(database, tx, listeners, {
    ...place,
    kind: "pull_request",
    actorId,
    runId,
    pullRequestId: id,
    text: excerptOf(`Pull request #${number} was ${event === "reopened" ? "opened again" : event}: ${title}`),
  });
  announceItems(database, tx, pull.workspace_id);
}
