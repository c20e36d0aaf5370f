import type { Commit, Diff, Mergeability, PullRequest } from "@windshift/contract/api/pull-request.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { Oid } from "@windshift/contract/ids.ts";
import { readDiff } from "../repositories/local-diff.ts";
import { hasCommit, listCommits } from "../repositories/local-history.ts";
import { readMergeability } from "../repositories/local-merge.ts";
import { dirOf } from "../repositories/repository.ts";
import { getRepositoryRow } from "../repositories/repository-store.ts";
import type { PullRequestPorts } from "./pull-request.ts";

/** Whether an open pull request could be merged now; null for one that is decided, or lives on a forge. */
export async function mergeabilityOf(
  ports: PullRequestPorts,
  request: PullRequest,
): Promise<Mergeability | null> {
  if (request.state !== "open" || request.url !== null) return null;
  const { dir, head } = await locate(ports, request);
  return readMergeability(dir, { targetBranch: request.target_branch, headOid: head });
}

/** The run's commits, oldest first. */
export async function commitsOf(ports: PullRequestPorts, request: PullRequest): Promise<Commit[]> {
  const { dir, base, head } = await requireCommits(ports, request);
  return listCommits(dir, base, head);
}

/** What the run's commits change. */
export async function diffOf(ports: PullRequestPorts, request: PullRequest): Promise<Diff> {
  const { dir, base, head } = await requireCommits(ports, request);
  return readDiff(dir, base, head);
}

async function locate(ports: PullRequestPorts, request: PullRequest) {
  const repository = await getRepositoryRow(ports.database.kysely, request.repository.id);
  return {
    dir: dirOf(ports, repository),
    base: Oid.parse(request.base_oid),
    head: Oid.parse(request.head_oid),
  };
}

async function requireCommits(ports: PullRequestPorts, request: PullRequest) {
  if (request.url !== null) {
    throw new AppError("not_found", `the commits of this pull request are on its forge: ${request.url}`);
  }
  const place = await locate(ports, request);
  for (const oid of [place.base, place.head]) {
    if (await hasCommit(place.dir, oid)) continue;
    throw new AppError("not_found", `the commit ${oid} is no longer in ${request.repository.name}`);
  }
  return place;
}
