import type { ForgePullRequest, NewPullRequest } from "./forge-client.ts";

/** As a forge lists it. A fork may have a branch of any name, so one of a fork is never that of a run. */
export type ListedPullRequest = ForgePullRequest & { fromFork: boolean };

/** What tells the pull request that a request made from others of the same branch. */
export type MadeBy = Pick<NewPullRequest, "mark" | "targetBranch">;

/**
 * Of those of one branch of the repository itself: an open one, else the newest.
 * @param by only what this request made
 */
export function bestOf(
  found: readonly ListedPullRequest[],
  branch: string,
  by?: MadeBy,
): ForgePullRequest | undefined {
  const own = found
    .filter((pull) => pull.sourceBranch === branch && !pull.fromFork)
    .filter(
      (pull) => by === undefined || (pull.body.includes(by.mark) && pull.targetBranch === by.targetBranch),
    )
    .sort((a, b) => b.number - a.number);
  const best = own.find((pull) => pull.state === "open") ?? own[0];
  return best === undefined ? undefined : toPullRequest(best);
}

/** Without what only the choice needs. */
export function toPullRequest({ fromFork: _, ...pull }: ListedPullRequest): ForgePullRequest {
  return pull;
}
