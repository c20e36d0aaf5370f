import type { Transaction } from "kysely";
import type { Schema } from "../db/schema.ts";

/** What work items tell the queue of runs. Called in the transaction of the change, after it was stored: both happen or neither does. */
export interface Triggers {
  /** An agent user became the item's assignee, by a person's hand. */
  assigned(
    tx: Transaction<Schema>,
    trigger: { workspaceId: number; workItemId: number; agentUserId: string; requestedBy: string },
  ): Promise<void>;
  /** A person wrote a comment. Comments of runs are not told, so no agent triggers another. */
  commented(
    tx: Transaction<Schema>,
    trigger: { workspaceId: number; workItemId: number; commentId: number; authorId: string; body: string },
  ): Promise<void>;
  /** Called once after the commit of a transaction in which one of the others was called: time for wake-ups. */
  committed(): Promise<void>;
}
