import { AppError } from "@windshift/contract/app-error.ts";
import { RUN_COMMENTS_MAX } from "@windshift/contract/limits.ts";
import type { Database } from "../db/database.ts";
import type { Person, RunCaller } from "../http/principal.ts";
import { countRunComments, insertComment } from "./comment-store.ts";
import type { AttemptFence, Triggers } from "./triggers.ts";
import { touchWorkItem } from "./work-item-store.ts";

export interface CommentPorts {
  database: Database;
  triggers: Triggers;
  fence: AttemptFence;
}

interface NewCommentOn {
  workspaceId: number;
  workItemId: number;
  body: string;
}

/** Stores a person's comment, which may set an agent to work. @returns its id */
export async function commentAsPerson(
  ports: CommentPorts,
  person: Person,
  comment: NewCommentOn,
): Promise<number> {
  const { workspaceId, workItemId, body } = comment;
  const id = await ports.database.transaction(async (tx) => {
    await touchWorkItem(tx, workItemId);
    const commentId = await insertComment(tx, { workItemId, authorId: person.userId, runId: null, body });
    const trigger = { workspaceId, workItemId, commentId, authorId: person.userId, body };
    await ports.triggers.commented(tx, trigger);
    return commentId;
  });
  await ports.triggers.committed();
  return id;
}

/**
 * Stores a comment of a run's agent (PI-05).
 * @returns its id
 * @throws AppError `lease_lost` when the attempt is no longer the live one; `conflict` after RUN_COMMENTS_MAX of a run
 */
export async function commentAsRun(
  ports: CommentPorts,
  run: RunCaller,
  comment: NewCommentOn,
): Promise<number> {
  const { workItemId, body } = comment;
  return ports.database.transaction(async (tx) => {
    // Item before run, as a trigger does it: two transactions never wait for each other.
    await touchWorkItem(tx, workItemId);
    if (!(await ports.fence.holdLive(tx, run.runId, run.attempt))) {
      throw new AppError("lease_lost", `attempt ${run.attempt} of run ${run.runId} may no longer write`);
    }
    if ((await countRunComments(tx, run.runId)) >= RUN_COMMENTS_MAX) {
      throw new AppError(
        "conflict",
        `this run has posted ${RUN_COMMENTS_MAX} comments, which is all it may; put the rest into the summary`,
      );
    }
    return insertComment(tx, { workItemId, authorId: run.agentUserId, runId: run.runId, body });
  });
}
