import type { RunWish } from "@windshift/contract/api/work-item.ts";
import type { Transaction } from "kysely";
import type { Schema } from "../db/schema.ts";

/** What work items tell the queue of runs. The calls come in the transaction of the change: both are stored or neither. */
export interface Triggers {
  /**
   * Before the transaction of an assignment with wishes: looks whether they can be granted, which may mean to ask a forge.
   * @throws AppError `invalid_input` that names the field, `run.model` for instance
   */
  checkWish(wish: {
    workspaceId: number;
    agentUserId: string;
    requestedBy: string;
    run: RunWish;
  }): Promise<void>;
  /** An agent user became the item's assignee, by a person's hand. */
  assigned(tx: Transaction<Schema>, trigger: AssignTrigger): Promise<void>;
  /** A person wrote a comment. Comments of runs are not told, so no agent triggers another. */
  commented(tx: Transaction<Schema>, trigger: CommentTrigger): Promise<void>;
  /** The transaction of one of the calls above is on disk: the time for wake-ups. */
  committed(): Promise<void>;
}

export interface AssignTrigger {
  workspaceId: number;
  workItemId: number;
  agentUserId: string;
  requestedBy: string;
  /** What the person asks of this one run, checked before. */
  run: RunWish | undefined;
}

export interface CommentTrigger {
  workspaceId: number;
  workItemId: number;
  commentId: number;
  authorId: string;
  body: string;
  /** The agents of the workspace that it calls. */
  mentionedAgents: readonly string[];
}

/** Tells whether an attempt may still act, and keeps it so until the transaction ends. */
export interface AttemptFence {
  holdLive(tx: Transaction<Schema>, runId: number, attempt: number): Promise<boolean>;
}
