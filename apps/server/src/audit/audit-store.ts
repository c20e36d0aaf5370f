import type { Queries } from "../db/database.ts";

/** Who did it: a person's or agent's user id, the run that tried, or a runner host. */
export type Actor = { user: string } | { run: number; attempt: number } | { runner: number } | "system";

/** A person who acts, and the address the request came from. */
export interface ActingPerson {
  user: string;
  ip: string | undefined;
}

export interface AuditEntry {
  workspaceId: number | null;
  actor: Actor;
  /** What was done, in the past tense: `connection.created`. */
  action: string;
  /** What it was done to: `connection 4`. */
  subject: string;
  /** Never a secret. */
  data?: Record<string, string | number | boolean | null>;
}

/** Writes one line of the audit log. In the transaction of what it tells of: neither happens without the other. */
export function record(tx: Queries, entry: AuditEntry): Promise<void> {
  return recordAll(tx, [entry]);
}

/** The same for several lines, at least one. */
export async function recordAll(tx: Queries, entries: readonly AuditEntry[]): Promise<void> {
  const at_ms = Date.now();
  const rows = entries.map(({ workspaceId, actor, action, subject, data }) => ({
    at_ms,
    workspace_id: workspaceId,
    actor: nameOf(actor),
    action,
    subject,
    data: JSON.stringify(data ?? {}),
  }));
  await tx.insertInto("audit_log").values(rows).execute();
}

/** As the log writes it. */
export function nameOf(actor: Actor): string {
  if (actor === "system") return "system";
  if ("runner" in actor) return `runner ${actor.runner}`;
  return "user" in actor ? `user ${actor.user}` : `run ${actor.run} attempt ${actor.attempt}`;
}
