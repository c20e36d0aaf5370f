import { PullRequestState } from "@windshift/contract/api/pull-request.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import type { Queries } from "../db/database.ts";

/** A pull request on a forge that is followed, with what is known of its run. */
export interface FollowedPull {
  id: number;
  number: number;
  state: PullRequestState;
  draft: boolean;
  title: string;
  url: string;
  commentsCursor: string | undefined;
  /** When it was last looked at; null when somebody wants it looked at now. */
  syncedAtMs: number | null;
  updatedAtMs: number;
  connectionId: number;
  owner: string;
  name: string;
  workspaceId: number;
  workItemId: number;
  /** The run whose branch it is. */
  runId: RunId;
  agentUserId: string;
  agentName: string;
  requestedBy: string;
}

/** Pull requests looked at in one round: more wait for the next. */
const ROUND_MAX = 200;

/** Open ones, and those of any state that somebody wants looked at; the one looked at longest ago first. */
export async function listFollowed(db: Queries): Promise<FollowedPull[]> {
  const rows = await db
    .selectFrom("pull_requests")
    .innerJoin("repositories", "repositories.id", "pull_requests.repository_id")
    .innerJoin("runs", "runs.id", "pull_requests.run_id")
    .innerJoin("user", "user.id", "runs.agent_user_id")
    .selectAll("pull_requests")
    .select([
      "repositories.connection_id",
      "repositories.owner",
      "repositories.name",
      "repositories.workspace_id",
      "runs.agent_user_id",
      "runs.requested_by",
      "user.name as agent_name",
    ])
    .where("pull_requests.url", "is not", null)
    .where((eb) =>
      eb.or([eb("pull_requests.state", "=", "open"), eb("pull_requests.synced_at_ms", "is", null)]),
    )
    .orderBy((eb) => eb.fn.coalesce("pull_requests.synced_at_ms", eb.lit(0)))
    .orderBy("pull_requests.id")
    .limit(ROUND_MAX)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    number: row.number,
    state: PullRequestState.parse(row.state),
    draft: row.draft === 1,
    title: row.title,
    url: row.url ?? "",
    commentsCursor: row.comments_cursor ?? undefined,
    syncedAtMs: row.synced_at_ms,
    updatedAtMs: row.updated_at_ms,
    connectionId: row.connection_id,
    owner: row.owner,
    name: row.name,
    workspaceId: row.workspace_id,
    workItemId: row.work_item_id,
    runId: row.run_id as RunId,
    agentUserId: row.agent_user_id,
    agentName: row.agent_name,
    requestedBy: row.requested_by,
  }));
}

/** Marks it as looked at now. @returns false when another server did so meanwhile */
export async function takeFollowed(db: Queries, pull: FollowedPull, nowMs: number): Promise<boolean> {
  const row = await db
    .updateTable("pull_requests")
    .set({ synced_at_ms: nowMs })
    .where("id", "=", pull.id)
    .where("synced_at_ms", pull.syncedAtMs === null ? "is" : "=", pull.syncedAtMs)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

/** Wants a pull request looked at now. @returns whether there is such a one that is followed */
export async function wantLook(
  db: Queries,
  connectionId: number,
  address: { owner: string; name: string; number: number },
): Promise<boolean> {
  const rows = await db
    .updateTable("pull_requests")
    .set({ synced_at_ms: null })
    .where("number", "=", address.number)
    .where("url", "is not", null)
    .where("repository_id", "in", (eb) =>
      eb
        .selectFrom("repositories")
        .select("id")
        .where("connection_id", "=", connectionId)
        .where((e) => e(e.fn<string>("lower", ["owner"]), "=", address.owner.toLowerCase()))
        .where((e) => e(e.fn<string>("lower", ["name"]), "=", address.name.toLowerCase())),
    )
    .returning("id")
    .execute();
  return rows.length > 0;
}
