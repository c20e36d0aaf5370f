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

/** Denied calls of one run that are kept one by one; what follows adds nothing but bulk. */
const DENIED_ROWS_MAX = 100;
const DENIED = "run.denied";

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

/** Keeps that a run reached for something that is not its own. */
export async function recordDenied(
  db: Queries,
  run: { runId: number; attempt: number; workspaceId: number },
  method: string,
  path: string,
): Promise<void> {
  const actor = { run: run.runId, attempt: run.attempt };
  const { count } = await db
    .selectFrom("audit_log")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("action", "=", DENIED)
    .where("actor", "=", nameOf(actor))
    .executeTakeFirstOrThrow();
  if (count >= DENIED_ROWS_MAX) return;
  await record(db, {
    workspaceId: run.workspaceId,
    actor,
    action: DENIED,
    subject: `${method} ${encodeURI(path).slice(0, 200)}`,
  });
}

function nameOf(actor: Actor): string {
  if (actor === "system") return "system";
  if ("runner" in actor) return `runner ${actor.runner}`;
  return "user" in actor ? `user ${actor.user}` : `run ${actor.run} attempt ${actor.attempt}`;
}
