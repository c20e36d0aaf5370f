import {
  type ForgeClient,
  type ForgeComment,
  ForgeError,
  type ForgePullRequest,
} from "@windshift/forges/forge-client.ts";
import { record } from "../audit/audit-store.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { tellPullRequest } from "../notifications/pull-request-news.ts";
import { settleItem } from "../pull-requests/pull-request-settle.ts";
import type { FollowedPull } from "./followed-pull.ts";
import type { ForgeClients } from "./forge-clients.ts";
import { type CommentPorts, takeComment } from "./forge-comment.ts";

export interface SyncPorts extends CommentPorts {
  clients: ForgeClients;
}

/** What a look found: how it stands, whether something changed, and whether a comment must wait. */
export interface Look {
  state: ForgePullRequest["state"];
  changed: boolean;
  later: boolean;
}

/**
 * Reads one pull request from its forge and takes over what changed: its state with what that means for the item, and, while
 * it is open, what people wrote to the agent. May be repeated; nothing is acted on twice.
 * @throws AppError with the forge's sentence
 */
export async function syncPullRequest(ports: SyncPorts, pull: FollowedPull): Promise<Look> {
  const address = { owner: pull.owner, name: pull.name };
  return ports.clients.use(pull.connectionId, async (client) => {
    const found = await client.getPullRequest(address, pull.number);
    const changed = await takeState(ports.database, pull, found);
    // Of one that is decided as well: who calls the agent there is told that nothing comes of it.
    const later = await takeComments(ports, client, pull, found);
    return { state: found.state, changed, later };
  });
}

/** @returns whether one must wait for the end of a run; the cursor stays before it */
async function takeComments(
  ports: SyncPorts,
  client: ForgeClient,
  pull: FollowedPull,
  found: ForgePullRequest,
): Promise<boolean> {
  const address = { owner: pull.owner, name: pull.name };
  const { comments, cursor } = await client.listComments(address, pull.number, pull.commentsCursor);
  if (comments.length === 0) return false;
  const account = await accountOf(client);
  let waiting: ForgeComment | undefined;
  for (const comment of comments) {
    const outcome = await takeComment(ports, client, pull, { comment, account, found });
    if (outcome === "later") waiting ??= comment;
  }
  const next = waiting === undefined ? cursor : new Date(waiting.createdAtMs).toISOString();
  if (next !== undefined && next !== pull.commentsCursor) {
    await ports.database.kysely
      .updateTable("pull_requests")
      .set({ comments_cursor: next })
      .where("id", "=", pull.id)
      .execute();
  }
  return waiting !== undefined;
}

/** The account of a client does not change while the client lives. */
const accounts = new WeakMap<ForgeClient, string>();

/** @throws ForgeError when the forge does not say: without it our own comments could not be told from those of people */
export async function accountOf(client: ForgeClient): Promise<string> {
  const known = accounts.get(client);
  if (known !== undefined) return known;
  const checked = await client.check();
  if (!checked.ok) throw new ForgeError(checked.kind, checked.message);
  accounts.set(client, checked.login);
  return checked.login;
}

async function takeState(database: Database, pull: FollowedPull, found: ForgePullRequest): Promise<boolean> {
  const same = found.state === pull.state && found.draft === pull.draft && found.title === pull.title;
  if (same) return false;
  const changed = await database.transaction(async (tx) => {
    const row = await tx
      .updateTable("pull_requests")
      .set({
        state: found.state,
        draft: found.draft ? 1 : 0,
        title: found.title,
        merged_oid: found.mergeOid,
        updated_at_ms: dbNowMs(database.engine),
      })
      .where("id", "=", pull.id)
      .where("state", "=", pull.state)
      .returning("id")
      .executeTakeFirst();
    if (row === undefined || found.state === pull.state) return row !== undefined;
    await tellItem(database, tx, pull, found.state);
    return true;
  });
  if (changed) await database.signals.notify(`run:${pull.runId}`);
  return changed;
}

/** What happened on the forge, on the item and in the audit log. */
async function tellItem(
  database: Database,
  tx: Queries,
  pull: FollowedPull,
  state: ForgePullRequest["state"],
): Promise<void> {
  await settleItem(database, tx, pull.workItemId, state, null);
  await tellPullRequest(database, tx, pull.id, state === "open" ? "reopened" : state, null);
  const what = state === "open" ? "opened again" : state;
  await tx
    .insertInto("comments")
    .values({
      work_item_id: pull.workItemId,
      author_id: pull.agentUserId,
      run_id: pull.runId,
      // One for each change: it may be closed and opened again many times, though seldom within a millisecond.
      dedupe_key: `pull_request:${pull.id}:${state}:${Date.now()}`,
      body: `Pull request #${pull.number} was ${what} on its forge: ${pull.url}`,
      created_at_ms: dbNowMs(database.engine),
    })
    .execute();
  await record(tx, {
    workspaceId: pull.workspaceId,
    actor: "system",
    action: `pull_request.${state === "open" ? "reopened" : state}`,
    subject: `pull request ${pull.id}`,
    data: { seen_on: pull.url },
  });
}
