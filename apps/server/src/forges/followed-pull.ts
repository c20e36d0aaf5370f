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
  sourceBranch: string;
  commentsCursor: string | undefined;
  /** When it was due to be looked at; 0 when somebody wants it looked at now. */
  lookAtMs: number;
  /** Looks in a row that failed. */
  failures: number;
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

/** Pull requests of one connection looked at in one round: more wait for the next. */
const ROUND_MAX = 50;

/**
 * Connections with pull requests that are due, the one that waits longest first.
 * @param without connections that are left alone now
 */
export async function listDueConnections(
  db: Queries,
  nowMs: number,
  without: readonly number[],
): Promise<number[]> {
  let query = db
    .selectFrom("pull_requests")
    .innerJoin("repositories", "repositories.id", "pull_requests.repository_id")
    .select("repositories.connection_id")
    .where("pull_requests.url", "is not", null)
    .where("pull_requests.look_at_ms", "<=", nowMs);
  if (without.length > 0) query = query.where("repositories.connection_id", "not in", without);
  const rows = await query
    .groupBy("repositories.connection_id")
    .orderBy((eb) => eb.fn.min("pull_requests.look_at_ms"))
    .execute();
  return rows.map((row) => row.connection_id);
}

/** Those of a connection that are due, the one that waits longest first. */
export async function listDue(db: Queries, connectionId: number, nowMs: number): Promise<FollowedPull[]> {
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
    .where("repositories.connection_id", "=", connectionId)
    .where("pull_requests.url", "is not", null)
    .where("pull_requests.look_at_ms", "<=", nowMs)
    .orderBy("pull_requests.look_at_ms")
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
    sourceBranch: row.source_branch,
    commentsCursor: row.comments_cursor ?? undefined,
    lookAtMs: row.look_at_ms ?? 0,
    failures: row.sync_failures,
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

/** How long a look keeps others from looking, ms; one whose server died is taken by another after that. */
const LOOK_HELD_MS = 5 * 60_000;

/** Takes a look at it. @returns until when it is held; undefined when another server has taken it meanwhile */
export async function takeFollowed(
  db: Queries,
  pull: Pick<FollowedPull, "id" | "lookAtMs">,
  nowMs: number,
): Promise<number | undefined> {
  const heldMs = nowMs + LOOK_HELD_MS;
  const row = await db
    .updateTable("pull_requests")
    .set({ look_at_ms: heldMs })
    .where("id", "=", pull.id)
    .where("look_at_ms", "=", pull.lookAtMs)
    .returning("id")
    .executeTakeFirst();
  return row && heldMs;
}

/**
 * Ends a look. Who wanted another one meanwhile gets it.
 * @param heldMs as `takeFollowed` gave it
 * @param next when to look again, null for never; and what went wrong this time
 */
export async function settleLook(
  db: Queries,
  id: number,
  heldMs: number,
  next: { lookAtMs: number | null; failures: number; problem: string | null },
): Promise<void> {
  await db
    .updateTable("pull_requests")
    .set({ sync_failures: next.failures, sync_problem: next.problem })
    .where("id", "=", id)
    .execute();
  await db
    .updateTable("pull_requests")
    .set({ look_at_ms: next.lookAtMs, synced_at_ms: Date.now() })
    .where("id", "=", id)
    .where("look_at_ms", "=", heldMs)
    .execute();
}

/** Wants a pull request looked at now. @returns whether there is such a one that is followed */
export async function wantLook(
  db: Queries,
  connectionId: number,
  address: { owner: string; name: string; number: number },
): Promise<boolean> {
  const rows = await db
    .updateTable("pull_requests")
    .set({ synced_at_ms: null, look_at_ms: 0 })
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
