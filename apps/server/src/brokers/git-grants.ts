import { type Attempt, type Oid, type RunId, runRef } from "@windshift/contract/ids.ts";
import type { GitGrants } from "@windshift/git-broker/git-grant.ts";
import type { GitUpstream } from "@windshift/git-broker/git-upstream.ts";
import type { Database } from "../db/database.ts";
import { branchRunOf } from "../runs/run.ts";
import { lockLiveAttempt } from "../runs/run-fence.ts";
import { findRunByToken, isLiveAttempt } from "../runs/run-tokens.ts";

/** The repository of a run, with the credential that opens it. */
export type UpstreamOf = (repositoryId: number, run: RunId) => Promise<GitUpstream>;

/** Tells the git broker what a run's git token may do, from the grants frozen in the run. */
export function createGitGrants(database: Database, upstreamOf: UpstreamOf): GitGrants {
  return {
    find: async (runId, token) => {
      const run = await findRunByToken(database.kysely, token, "git");
      if (run === undefined || run.id !== runId || run.grants === null || run.attempt === 0) return undefined;
      const attempt = run.attempt as Attempt;
      const ref = runRef(branchRunOf(run));
      return {
        runId,
        attempt,
        owner: run.grants.owner,
        repo: run.grants.repo,
        ref,
        fetchRefs: [`refs/heads/${run.grants.base_branch}`, ref],
        upstream: await upstreamOf(run.grants.repository_id, runId),
        isLive: () => isLiveAttempt(database.kysely, runId, attempt),
        onPushed: (oid) => recordPush(database, runId, attempt, oid),
      };
    },
  };
}

/** What the branch was set to, so that an attempt lost after its push is published and not done again. */
async function recordPush(database: Database, run: RunId, attempt: Attempt, oid: Oid): Promise<void> {
  await database.transaction(async (tx) => {
    if ((await lockLiveAttempt(database, tx, run, attempt)) === undefined) return;
    await tx.updateTable("runs").set({ pushed_oid: oid }).where("id", "=", run).execute();
  });
}
