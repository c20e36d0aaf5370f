import type { PullRequest } from "@windshift/contract/api/pull-request.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { Oid } from "@windshift/contract/ids.ts";
import { record } from "../audit/audit-store.ts";
import type { Database, Queries } from "../db/database.ts";
import { tellPullRequest } from "../notifications/pull-request-news.ts";
import { mergeInto } from "../repositories/local-merge.ts";
import { dirOf } from "../repositories/repository.ts";
import { getRepositoryRow } from "../repositories/repository-store.ts";
import { findUser } from "../users/user-store.ts";
import { settleItem } from "./pull-request-settle.ts";
import { getPullRequest, getPullRequestRow, updatePullRequest } from "./pull-request-store.ts";

export interface PullRequestPorts {
  database: Database;
  repositoriesRoot: string;
}

/**
 * Merges what was reviewed, exactly `head_oid`, into the target branch as it is now. A merge that was cut short after
 * git had moved the branch is completed by the next one.
 * @throws AppError `conflict` when it is not open, is a draft, or cannot be merged; the text says what to do
 */
export async function mergePullRequest(ports: PullRequestPorts, id: number, by: string): Promise<void> {
  const db = ports.database.kysely;
  const request = await getPullRequest(db, id);
  if (request.state === "merged") return;
  requireHere(request);
  requireOpen(request);
  if (request.draft) throw new AppError("conflict", "this is a draft; mark it as ready for review first");
  const dir = dirOf(ports, await getRepositoryRow(db, request.repository.id));
  const person = await findUser(db, by);
  const result = await mergeInto(dir, {
    targetBranch: request.target_branch,
    headOid: Oid.parse(request.head_oid),
    message: `Merge pull request #${request.number}: ${request.title}\n\nWork-Item: ${request.work_item}\n`,
    person: { name: person?.name ?? "", email: person?.email ?? "" },
  });
  switch (result.kind) {
    case "merged":
    case "contained":
      return decide(ports.database, request, { state: "merged", mergedOid: result.oid }, by);
    case "conflict":
      throw new AppError("conflict", describeConflict(request, result.paths));
    case "missing":
      throw new AppError("conflict", `it cannot be merged: ${result.detail}`);
    case "moved":
      throw new AppError("conflict", `${request.target_branch} was moved meanwhile; try again`);
  }
}

/** Closes it without merging; its branch stays. Closing a closed one changes nothing. */
export async function closePullRequest(ports: PullRequestPorts, id: number, by: string): Promise<void> {
  const request = await getPullRequest(ports.database.kysely, id);
  if (request.state === "closed") return;
  requireHere(request);
  requireOpen(request);
  await decide(ports.database, request, { state: "closed", mergedOid: null }, by);
}

/** @throws AppError `conflict` when it was merged */
export async function reopenPullRequest(ports: PullRequestPorts, id: number, by: string): Promise<void> {
  await ports.database.transaction(async (tx) => {
    const request = await getPullRequest(tx, id);
    if (request.state === "open") return;
    requireHere(request);
    if (request.state === "merged")
      throw new AppError("conflict", "it was merged; there is nothing to reopen");
    await updatePullRequest(tx, id, "closed", { state: "open", decided_by: null });
    await tellPullRequest(ports.database, tx, id, "reopened", by);
    await recordChange(tx, request, by, "pull_request.reopened");
  });
}

/** A draft becomes ready to be merged. */
export async function markReady(ports: PullRequestPorts, id: number, by: string): Promise<void> {
  await ports.database.transaction(async (tx) => {
    const request = await getPullRequest(tx, id);
    requireHere(request);
    requireOpen(request);
    if (!request.draft) return;
    await updatePullRequest(tx, id, "open", { draft: 0 });
    await recordChange(tx, request, by, "pull_request.ready");
  });
}

type Decision = { state: "merged"; mergedOid: string } | { state: "closed"; mergedOid: null };

async function decide(
  database: Database,
  request: PullRequest,
  decision: Decision,
  by: string,
): Promise<void> {
  await database.transaction(async (tx) => {
    const change = { state: decision.state, merged_oid: decision.mergedOid, decided_by: by };
    const changed = await updatePullRequest(tx, request.id, "open", change);
    if (!changed) {
      const now = await getPullRequest(tx, request.id);
      // Two people merged at once and git made one merge of it: both were right.
      if (now.state === decision.state) return;
      throw new AppError("conflict", `somebody else has ${now.state} it meanwhile`);
    }
    const { work_item_id } = await getPullRequestRow(tx, request.id);
    await settleItem(database, tx, work_item_id, decision.state, by);
    await tellPullRequest(database, tx, request.id, decision.state, by);
    await recordChange(tx, request, by, `pull_request.${decision.state}`);
  });
}

function requireOpen(request: PullRequest): void {
  if (request.state !== "open") throw new AppError("conflict", `it is ${request.state}, not open`);
}

/** What lives on a forge is decided there, by the people and the rules of that place. */
function requireHere(request: PullRequest): void {
  if (request.url !== null)
    throw new AppError("conflict", `this pull request is on its forge; decide it there: ${request.url}`);
}

/** Files named in the message of a conflict. */
const CONFLICTS_SHOWN = 10;

function describeConflict(request: PullRequest, paths: string[]): string {
  const more = paths.length > CONFLICTS_SHOWN ? ` and ${paths.length - CONFLICTS_SHOWN} more` : "";
  return (
    `${request.target_branch} has changed in conflict with this in ${paths.slice(0, CONFLICTS_SHOWN).join(", ")}${more}; ` +
    `merge ${request.target_branch} into ${request.source_branch} by hand, or close this and run the agent again`
  );
}

async function recordChange(tx: Queries, request: PullRequest, by: string, action: string): Promise<void> {
  const { workspace_id: workspaceId } = await getRepositoryRow(tx, request.repository.id);
  await record(tx, { workspaceId, actor: { user: by }, action, subject: `pull request ${request.id}` });
}
