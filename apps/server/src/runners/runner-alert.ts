import { record } from "../audit/audit-store.ts";
import type { Queries } from "../db/database.ts";
import type { Host } from "./runner-credential.ts";

/** Puts what an administrator has to see to on the runner, and in the audit log; once until somebody has seen to it. */
export async function raiseAlert(tx: Queries, host: Host, action: string, alert: string): Promise<void> {
  const row = await tx
    .updateTable("runners")
    .set({ alert })
    .where("id", "=", host.id)
    .where("alert", "is", null)
    .returning("id")
    .executeTakeFirst();
  if (row === undefined) return;
  await record(tx, {
    workspaceId: null,
    actor: "system",
    action,
    subject: `runner ${host.id}`,
    data: { name: host.name, ip: host.from ?? "unknown" },
  });
}
