import type { Database, Queries } from "../db/database.ts";
import { excerptOf } from "./excerpt.ts";
import { follow, listFollowers } from "./follower-store.ts";
import { notify } from "./notification-store.ts";

interface ItemPlace {
  workspaceId: number;
  workItemId: number;
}

/** Tells of a comment: those it calls, and the followers it does not call. Who wrote it follows from now on. */
export async function tellCommented(
  database: Database,
  tx: Queries,
  comment: ItemPlace & {
    commentId: number;
    authorId: string;
    runId: number | null;
    body: string;
    mentioned: readonly string[];
  },
): Promise<void> {
  const { workItemId, authorId, runId, mentioned } = comment;
  const followers = await listFollowers(tx, workItemId);
  await tellMentioned(database, tx, comment);
  const others = followers.filter((id) => !mentioned.includes(id));
  await notify(database, tx, others, { ...newsOf(comment), kind: "commented" });
  if (runId === null) await follow(tx, workItemId, [authorId]);
}

/** Tells those whom a comment calls. */
export async function tellMentioned(
  database: Database,
  tx: Queries,
  comment: Parameters<typeof tellCommented>[2],
): Promise<void> {
  await notify(database, tx, comment.mentioned, { ...newsOf(comment), kind: "mentioned" });
}

function newsOf(comment: Parameters<typeof tellCommented>[2]) {
  const { workspaceId, workItemId, authorId: actorId, commentId, runId, body } = comment;
  return { workspaceId, workItemId, actorId, commentId, runId, text: excerptOf(body) };
}

/** Tells a person that an item is theirs; they follow it from now on. */
export async function tellAssigned(
  database: Database,
  tx: Queries,
  assignment: ItemPlace & { assigneeId: string; by: string },
): Promise<void> {
  const { workspaceId, workItemId, assigneeId, by } = assignment;
  await follow(tx, workItemId, [assigneeId]);
  const text = "Assigned to you";
  await notify(database, tx, [assigneeId], { kind: "assigned", workspaceId, workItemId, actorId: by, text });
}
