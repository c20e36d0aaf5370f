import type { ForgeClient, ForgePullRequest } from "@windshift/forges/forge-client.ts";
import { record } from "../audit/audit-store.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { settleItem } from "../pull-requests/pull-request-settle.ts";
import type { FollowedPull } from "./followed-pull.ts";
import type { ForgeClients } from "./forge-clients.ts";
import { type CommentPorts, takeComment } from "./forge-comment.ts";

export interface SyncPorts extends CommentPorts {
  clients: ForgeClients;
}

/**
 * Reads one pull request from its forge and takes over what changed: its state with what that means for the item, and, while
 * it is open, what people wrote to the agent. May be repeated; nothing is acted on twice.
 * @throws AppError with the forge's sentence
 */
export async function syncPullRequest(ports: SyncPorts, pull: FollowedPull): Promise<void> {
  const address = { owner: pull.owner, name: pull.name };
  await ports.clients.use(pull.connectionId, async (client) => {
    const found = await client.getPullRequest(address, pull.number);
    await takeState(ports.database, pull, found);
    if (found.state !== "open") return;
    const { comments, cursor } = await client.listComments(address, pull.number, pull.commentsCursor);
    const account = comments.length === 0 ? "" : await accountOf(client);
    for (const comment of comments) await takeComment(ports, client, pull, comment, account);
    if (cursor === undefined || cursor === pull.commentsCursor) return;
    await ports.database.kysely
      .updateTable("pull_requests")
      .set({ comments_cursor: cursor })
      .where("id", "=", pull.id)
      .execute();
  });
}

/** The account of a client does not change while the client lives. */
const accounts = new WeakMap<ForgeClient, string>();

async function accountOf(client: ForgeClient): Promise<string> {
  const known = accounts.get(client);
  if (known !== undefined) return known;
  const checked = await client.check();
  if (!checked.ok) return "";
  accounts.set(client, checked.login);
  return checked.login;
}

async function takeState(database: Database, pull: FollowedPull, found: ForgePullRequest): Promise<void> {
  const same = found.state === pull.state && found.draft === pull.draft && found.title === pull.title;
  if (same) return;
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
}

/** What happened on the forge, on the item and in the audit log. */
async function tellItem(
  database: Database,
  tx: Queries,
  pull: FollowedPull,
  state: ForgePullRequest["state"],
): Promise<void> {
  await settleItem(database, tx, pull.workItemId, state);
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
