import {
  type ForgeClient,
  ForgeError,
  type ForgePullRequest,
  type RepositoryAddress,
} from "@windshift/forges/forge-client.ts";
import type { Database } from "../db/database.ts";
import { tellPullRequest } from "../notifications/pull-request-news.ts";
import { findPullRequestOfRun, insertForgePullRequest } from "../pull-requests/pull-request-store.ts";
import { getRepositoryRow } from "../repositories/repository-store.ts";
import type { Forge, PullRequestDraft } from "../runs/forge.ts";
import { getRun } from "../runs/run-store.ts";
import type { ForgeClients } from "./forge-clients.ts";
import { markOfRun, OUR_MARK } from "./our-mark.ts";

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
      const mark = markOfRun(await getRun(database.kysely, draft.runId));
      const known = await findPullRequestOfRun(database.kysely, draft.runId);
      const { pullRequest, note } = await clients.use(connection, async (client) => {
        const kept = known && (await readKnown(client, address, known.number));
        if (kept !== undefined) return { pullRequest: kept, note: undefined };
        return client.openPullRequest({
          repository: address,
          title: draft.title,
          body: `${draft.body}\n\n${mark}\n${OUR_MARK}`,
          mark,
          sourceBranch: draft.sourceBranch,
          targetBranch: draft.targetBranch,
        });
      });
      await keep(database, draft, pullRequest);
      return { url: pullRequest.url, title: pullRequest.title, state: pullRequest.state, note };
    },
  };
}

/** One that we know by its number, whatever people made of its text and target since; undefined when it was deleted. */
async function readKnown(
  client: ForgeClient,
  address: RepositoryAddress,
  number: number,
): Promise<ForgePullRequest | undefined> {
  try {
    return await client.getPullRequest(address, number);
  } catch (error) {
    if (error instanceof ForgeError && error.kind === "not_found") return undefined;
    throw error;
  }
}

/** The row of a pull request on a forge: which run's it is. Its state is read soon after. */
async function keep(database: Database, draft: PullRequestDraft, found: ForgePullRequest): Promise<void> {
  const now = Date.now();
  await database.transaction(async (tx) => {
    const before = await findPullRequestOfRun(tx, draft.runId);
    await insertForgePullRequest(tx, {
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
      url: found.url,
      forge_id: found.forgeId,
      synced_at_ms: null,
      created_at_ms: now,
      updated_at_ms: now,
    });
    const opened = before === undefined ? await findPullRequestOfRun(tx, draft.runId) : undefined;
    if (opened !== undefined) await tellPullRequest(database, tx, opened.id, "opened", null);
  });
  await database.signals.notify("forges");
}
