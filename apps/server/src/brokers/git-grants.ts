import { type Attempt, Oid, type RunId, runRef } from "@windshift/contract/ids.ts";
import type { PushPolicy } from "@windshift/contract/push-policy.ts";
import type { GitGrants } from "@windshift/git-broker/git-grant.ts";
import type { GitUpstream } from "@windshift/git-broker/git-upstream.ts";
import type { PackInspector, PushFinding } from "@windshift/git-broker/pack-inspector.ts";
import type { Database } from "../db/database.ts";
import { branchRunOf } from "../runs/run.ts";
import { lockLiveAttempt } from "../runs/run-fence.ts";
import { flagForReview } from "../runs/run-flags.ts";
import { findRunByToken, isLiveAttempt } from "../runs/run-tokens.ts";

/** The repository of a run, with the credential that opens it. */
export type UpstreamOf = (repositoryId: number, run: RunId) => Promise<GitUpstream>;

/** What looks into the pushes of a run. */
export type InspectorOf = (run: InspectedRun) => Promise<PackInspector>;
export interface InspectedRun {
  run: RunId;
  repositoryId: number;
  upstream: GitUpstream;
  /** The commit the run started from. */
  base: Oid | null;
  policy: PushPolicy;
}

/** Tells the git broker what a run's git token may do, from the grants frozen in the run. */
export function createGitGrants(
  database: Database,
  upstreamOf: UpstreamOf,
  inspectorOf: InspectorOf,
): GitGrants {
  return {
    find: async (runId, token) => {
      const run = await findRunByToken(database.kysely, token, "git");
      if (run === undefined || run.id !== runId || run.grants === null || run.attempt === 0) return undefined;
      const attempt = run.attempt as Attempt;
      const ref = runRef(branchRunOf(run));
      const { repository_id: repositoryId, push_policy: policy } = run.grants;
      const upstream = await upstreamOf(repositoryId, runId);
      const base = Oid.nullable().parse(run.base_oid);
      return {
        runId,
        attempt,
        owner: run.grants.owner,
        repo: run.grants.repo,
        ref,
        mayPush: run.grants.push,
        fetchRefs: [`refs/heads/${run.grants.base_branch}`, ref],
        upstream,
        inspector: await inspectorOf({ run: runId, repositoryId, upstream, base, policy }),
        isLive: () => isLiveAttempt(database.kysely, runId, attempt),
        onPushed: (oid, findings) => recordPush(database, runId, attempt, oid, findings),
      };
    },
  };
}

/** What the branch was set to and what people should look at in it, so that an attempt lost after its push is published and not done again. */
async function recordPush(
  database: Database,
  run: RunId,
  attempt: Attempt,
  oid: Oid,
  findings: readonly PushFinding[],
): Promise<void> {
  await database.transaction(async (tx) => {
    if ((await lockLiveAttempt(database, tx, run, attempt)) === undefined) return;
    await tx.updateTable("runs").set({ pushed_oid: oid }).where("id", "=", run).execute();
    if (findings.length > 0) await flagForReview(database, tx, { run, attempt, oid, findings });
  });
  if (findings.length > 0) await database.signals.notify(`run:${run}`);
}
