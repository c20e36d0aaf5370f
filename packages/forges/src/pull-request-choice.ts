import type { ForgePullRequest } from "./forge-client.ts";

/** Of those of one branch: an open one, else the newest. */
export function bestOf(found: readonly ForgePullRequest[], branch: string): ForgePullRequest | undefined {
  const own = found.filter((pull) => pull.sourceBranch === branch).sort((a, b) => b.number - a.number);
  return own.find((pull) => pull.state === "open") ?? own[0];
}
