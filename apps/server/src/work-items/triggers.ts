import type { Transaction } from "kysely";
import type { Schema } from "../db/schema.ts";

/** What work items tell the queue of runs. The calls come in the transaction of the change: both are stored or neither. */
export interface Triggers {
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
}

export interface CommentTrigger {
  workspaceId: number;
  workItemId: number;
  commentId: number;
  authorId: string;
  body: string;
}

/** Tells whether an attempt may still act, and keeps it so until the transaction ends. */
export interface AttemptFence {
  holdLive(tx: Transaction<Schema>, runId: number, attempt: number): Promise<boolean>;
}
