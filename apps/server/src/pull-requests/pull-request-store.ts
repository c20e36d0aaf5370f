import { PullRequest, type PullRequestState } from "@windshift/contract/api/pull-request.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Queries } from "../db/database.ts";
import type { NewRow, Row } from "../db/schema.ts";
import type { Scope } from "../http/access.ts";
import { isoTime } from "../http/json.ts";
import { parseRowId } from "../http/params.ts";

/** Scope of paths with a `{pull_request}`. */
export const pullRequestScope: Scope = async (db, params) => {
  const id = parseRowId(params.pull_request);
  if (id === undefined) return undefined;
  const row = await db
    .selectFrom("pull_requests")
    .innerJoin("repositories", "repositories.id", "pull_requests.repository_id")
    .select("repositories.workspace_id")
    .where("pull_requests.id", "=", id)
    .executeTakeFirst();
  return row && { workspaceId: row.workspace_id };
};

export interface PullRequestFilter {
  state?: PullRequestState | undefined;
  /** Only those with a lower id. */
  before?: number | undefined;
  limit: number;
}

/** Pull requests of a workspace, newest first. */
export async function listPullRequests(
  db: Queries,
  workspaceId: number,
  filter: PullRequestFilter,
): Promise<PullRequest[]> {
  let query = selectPullRequests(db).where("repositories.workspace_id", "=", workspaceId);
  if (filter.state !== undefined) query = query.where("pull_requests.state", "=", filter.state);
  if (filter.before !== undefined) query = query.where("pull_requests.id", "<", filter.before);
  const rows = await query.orderBy("pull_requests.id", "desc").limit(filter.limit).execute();
  return rows.map(toPullRequest);
}

/** @throws AppError `not_found` */
export async function getPullRequest(db: Queries, id: number): Promise<PullRequest> {
  const row = await selectPullRequests(db).where("pull_requests.id", "=", id).executeTakeFirst();
  if (row === undefined) throw new AppError("not_found", "not found");
  return toPullRequest(row);
}

/** @throws AppError `not_found` */
export async function getPullRequestRow(db: Queries, id: number): Promise<Row<"pull_requests">> {
  const row = await db.selectFrom("pull_requests").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new AppError("not_found", "not found");
  return row;
}

/** A run has one at most. @returns undefined when it has none here; one at a forge is a link of the item */
export function findPullRequestOfRun(db: Queries, runId: number): Promise<Row<"pull_requests"> | undefined> {
  return db.selectFrom("pull_requests").selectAll().where("run_id", "=", runId).executeTakeFirst();
}

/** Stores a pull request under the repository's next number, which is held until the transaction ends. */
export async function insertPullRequest(
  tx: Queries,
  row: Omit<NewRow<"pull_requests">, "number">,
): Promise<Row<"pull_requests">> {
  await tx
    .updateTable("repositories")
    .set((eb) => ({ name: eb.ref("name") }))
    .where("id", "=", row.repository_id)
    .execute();
  const existing = await findPullRequestOfRun(tx, row.run_id);
  if (existing !== undefined) return takeHead(tx, existing, row.head_oid);
  const { last } = await tx
    .selectFrom("pull_requests")
    .select((eb) => eb.fn.max("number").as("last"))
    .where("repository_id", "=", row.repository_id)
    .executeTakeFirstOrThrow();
  return tx
    .insertInto("pull_requests")
    .values({ ...row, number: Number(last ?? 0) + 1 })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** A later run may have pushed to the branch: an open pull request proposes what the branch holds now. */
async function takeHead(
  tx: Queries,
  existing: Row<"pull_requests">,
  headOid: string,
): Promise<Row<"pull_requests">> {
  if (existing.state !== "open" || existing.head_oid === headOid) return existing;
  return tx
    .updateTable("pull_requests")
    .set({ head_oid: headOid, updated_at_ms: Date.now() })
    .where("id", "=", existing.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/**
 * Stores a pull request that a forge numbered, as an open one, and wants it looked at. Its state is never written here:
 * whoever follows it takes the state over with what that means for the item, so that no merge is lost.
 */
export async function insertForgePullRequest(
  tx: Queries,
  row: Omit<NewRow<"pull_requests">, "number" | "state" | "look_at_ms"> & { number: number },
): Promise<void> {
  const { number, url, forge_id, head_oid, updated_at_ms } = row;
  await tx
    .insertInto("pull_requests")
    .values({ ...row, state: "open", look_at_ms: 0 })
    .onConflict((oc) =>
      oc
        .column("run_id")
        .doUpdateSet({ number, url, forge_id, head_oid, updated_at_ms, synced_at_ms: null, look_at_ms: 0 }),
    )
    .execute();
}

/** Moves a pull request on, if it still is in `from`. @returns whether it was */
export async function updatePullRequest(
  tx: Queries,
  id: number,
  from: PullRequestState,
  change: Partial<Pick<Row<"pull_requests">, "state" | "draft" | "merged_oid" | "decided_by">>,
): Promise<boolean> {
  const row = await tx
    .updateTable("pull_requests")
    .set({ ...change, updated_at_ms: Date.now() })
    .where("id", "=", id)
    .where("state", "=", from)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

function selectPullRequests(db: Queries) {
  return db
    .selectFrom("pull_requests")
    .innerJoin("repositories", "repositories.id", "pull_requests.repository_id")
    .innerJoin("work_items", "work_items.id", "pull_requests.work_item_id")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .innerJoin("runs", "runs.id", "pull_requests.run_id")
    .innerJoin("user as author", "author.id", "runs.agent_user_id")
    .leftJoin("user as decider", "decider.id", "pull_requests.decided_by")
    .selectAll("pull_requests")
    .select([
      "repositories.owner",
      "repositories.name as repository_name",
      "workspaces.key as workspace_key",
      "work_items.number as item_number",
      "author.id as author_id",
      "author.name as author_name",
      "author.kind as author_kind",
      "decider.name as decider_name",
      "decider.kind as decider_kind",
    ]);
}

type JoinedRow = NonNullable<Awaited<ReturnType<ReturnType<typeof selectPullRequests>["executeTakeFirst"]>>>;

function toPullRequest(row: JoinedRow): PullRequest {
  return PullRequest.parse({
    id: row.id,
    number: row.number,
    repository: { id: row.repository_id, owner: row.owner, name: row.repository_name },
    work_item: `${row.workspace_key}-${row.item_number}`,
    run_id: row.run_id,
    author: { id: row.author_id, name: row.author_name, kind: row.author_kind },
    title: row.title,
    body: row.body,
    source_branch: row.source_branch,
    target_branch: row.target_branch,
    base_oid: row.base_oid,
    head_oid: row.head_oid,
    url: row.url,
    draft: row.draft === 1,
    state: row.state,
    merged_oid: row.merged_oid,
    decided_by:
      row.decided_by === null ? null : { id: row.decided_by, name: row.decider_name, kind: row.decider_kind },
    created_at: isoTime(row.created_at_ms),
    updated_at: isoTime(row.updated_at_ms),
  });
}
