import type { ForgePullRequest, RepositoryAddress } from "@windshift/forges/forge-client.ts";
import { getConnectionRow } from "../connections/connection-store.ts";
import type { Database } from "../db/database.ts";
import { findPullRequestOfRun, insertForgePullRequest } from "../pull-requests/pull-request-store.ts";
import { getRepositoryRow } from "../repositories/repository-store.ts";
import type { Forge, PullRequestDraft } from "../runs/forge.ts";
import type { ForgeClients } from "./forge-clients.ts";
import { markOf, OUR_MARK } from "./our-mark.ts";

/** Repositories on GitHub, Forgejo and GitLab as the finishing of runs sees them. */
export function createRemoteForge(database: Database, clients: ForgeClients): Forge {
  const placeOf = async (repositoryId: number) => {
    const { connection_id, owner, name } = await getRepositoryRow(database.kysely, repositoryId);
    return { connection: connection_id, address: { owner, name } satisfies RepositoryAddress };
  };
  return {
    readBranch: async (repositoryId, branch) => {
      const { connection, address } = await placeOf(repositoryId);
      return clients.use(connection, (client) => client.readBranch(address, branch));
    },

    compare: async (repositoryId, headOid, targetBranch) => {
      const { connection, address } = await placeOf(repositoryId);
      return clients.use(connection, (client) => client.compare(address, headOid, targetBranch));
    },

    openPullRequest: async (draft) => {
      const { connection, address } = await placeOf(draft.repositoryId);
      const opened = await clients.use(connection, (client) =>
        client.openPullRequest({
          repository: address,
          title: draft.title,
          body: draft.body,
          sourceBranch: draft.sourceBranch,
          targetBranch: draft.targetBranch,
        }),
      );
      const { pullRequest, note } = opened;
      await keep(database, draft, pullRequest);
      return { url: pullRequest.url, title: pullRequest.title, state: pullRequest.state, note };
    },

    findRefusal: async (repositoryId, sinceMs) => {
      const { connection } = await placeOf(repositoryId);
      const row = await getConnectionRow(database.kysely, connection);
      return (row.checked_at_ms ?? 0) >= sinceMs ? row.check_problem : null;
    },

    comment: async (repositoryId, branchRun, key, body) => {
      const { connection, address } = await placeOf(repositoryId);
      const row = await findPullRequestOfRun(database.kysely, branchRun);
      if (row === undefined) return;
      await clients.use(connection, async (client) => {
        // Its reply may have been lost: what stands there with this key is it.
        const { comments } = await client.listComments(address, row.number, undefined);
        if (comments.some((comment) => comment.body.includes(markOf(key)))) return;
        await client.addComment(address, row.number, `${body}\n\n${markOf(key)}\n${OUR_MARK}`);
      });
    },
  };
}

/** The row of a pull request on a forge: which run's it is, and its state when it was last seen. */
async function keep(database: Database, draft: PullRequestDraft, found: ForgePullRequest): Promise<void> {
  const now = Date.now();
  await database.transaction((tx) =>
    insertForgePullRequest(tx, {
      repository_id: draft.repositoryId,
      number: found.number,
      run_id: draft.runId,
      work_item_id: draft.workItemId,
      title: found.title,
      body: draft.body,
      source_branch: draft.sourceBranch,
      target_branch: draft.targetBranch,
      base_oid: draft.baseOid,
      head_oid: draft.headOid,
      draft: found.draft ? 1 : 0,
      state: found.state,
      merged_oid: found.mergeOid,
      url: found.url,
      forge_id: found.forgeId,
      synced_at_ms: now,
      created_at_ms: now,
      updated_at_ms: now,
    }),
  );
}
