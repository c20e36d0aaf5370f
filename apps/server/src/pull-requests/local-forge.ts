import { PullRequestState } from "@windshift/contract/api/pull-request.ts";
import { Oid } from "@windshift/contract/ids.ts";
import { tellPullRequest } from "../notifications/pull-request-news.ts";
import { countCommits, findMergeBase, hasCommit, readBranch } from "../repositories/local-history.ts";
import { dirOf } from "../repositories/repository.ts";
import { getRepositoryRow } from "../repositories/repository-store.ts";
import type { Forge } from "../runs/forge.ts";
import type { PullRequestPorts } from "./pull-request.ts";
import { findPullRequestOfRun, insertPullRequest } from "./pull-request-store.ts";

/** The review of the server's own repositories as the finishing of runs sees it. */
export function createLocalForge(ports: PullRequestPorts & { baseUrl: string }): Forge {
  const dirFor = async (repositoryId: number) =>
    dirOf(ports, await getRepositoryRow(ports.database.kysely, repositoryId));
  return {
    readBranch: async (repositoryId, branch) =>
      (await readBranch(await dirFor(repositoryId), branch)) ?? null,

    compare: async (repositoryId, headOid, targetBranch) => {
      const dir = await dirFor(repositoryId);
      const head = Oid.parse(headOid);
      const [target, exists] = await Promise.all([readBranch(dir, targetBranch), hasCommit(dir, head)]);
      if (target === undefined || !exists) return "unrelated";
      const baseOid = await findMergeBase(dir, head, target);
      return baseOid === undefined
        ? "unrelated"
        : { baseOid, commits: await countCommits(dir, baseOid, head) };
    },

    openPullRequest: async (draft) => {
      const now = Date.now();
      const row = await ports.database.transaction(async (tx) => {
        const before = await findPullRequestOfRun(tx, draft.runId);
        const opened = await insertPullRequest(tx, {
          repository_id: draft.repositoryId,
          run_id: draft.runId,
          work_item_id: draft.workItemId,
          title: draft.title,
          body: draft.body,
          source_branch: draft.sourceBranch,
          target_branch: draft.targetBranch,
          base_oid: draft.baseOid,
          head_oid: draft.headOid,
          draft: 1,
          state: "open",
          created_at_ms: now,
          updated_at_ms: now,
        });
        if (before === undefined) await tellPullRequest(ports.database, tx, opened.id, "opened", null);
        return opened;
      });
      const state = PullRequestState.parse(row.state);
      return { url: pullRequestUrl(ports.baseUrl, row.id), title: row.title, state };
    },
  };
}

/** Address of a pull request's page. */
export function pullRequestUrl(baseUrl: string, id: number): string {
  return `${baseUrl}/pull-requests/${id}`;
}
