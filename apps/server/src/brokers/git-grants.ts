import { type Attempt, type Oid, type RunId, runRef } from "@windshift/contract/ids.ts";
import type { GitGrants } from "@windshift/git-broker/git-grant.ts";
import { localUpstream } from "@windshift/git-broker/local-upstream.ts";
import type { Database } from "../db/database.ts";
import { lockLiveAttempt } from "../runs/run-fence.ts";
import { findRunByToken, isLiveAttempt } from "../runs/run-tokens.ts";

/** Folder of a local repository. */
export type RepositoryDir = (repositoryId: number) => Promise<string>;

/** Tells the git broker what a run's git token may do, from the grants frozen in the run. */
export function createGitGrants(database: Database, repositoryDir: RepositoryDir): GitGrants {
  return {
    find: async (runId, token) => {
      const run = await findRunByToken(database.kysely, token, "git");
      if (run === undefined || run.id !== runId || run.grants === null || run.attempt === 0) return undefined;
      const attempt = run.attempt as Attempt;
      return {
        runId,
        attempt,
        owner: run.grants.owner,
        repo: run.grants.repo,
        ref: runRef(runId),
        upstream: localUpstream({ dir: await repositoryDir(run.grants.repository_id) }),
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
