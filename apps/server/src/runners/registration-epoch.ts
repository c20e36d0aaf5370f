import { record } from "../audit/audit-store.ts";
import type { Queries } from "../db/database.ts";

/** Name of the fact in the table of settings. */
const EPOCH = "registration_epoch";

/**
 * The number that registration tokens carry. A restored backup brings used tokens back as unused; to raise the epoch after a
 * restore makes all of them void.
 */
export async function readEpoch(db: Queries): Promise<number> {
  const row = await db.selectFrom("settings").select("value").where("key", "=", EPOCH).executeTakeFirst();
  return Number(row?.value ?? 0);
}

/** @returns the new epoch */
export async function raiseEpoch(tx: Queries): Promise<number> {
  const epoch = (await readEpoch(tx)) + 1;
  const value = String(epoch);
  await tx
    .insertInto("settings")
    .values({ key: EPOCH, value })
    .onConflict((oc) => oc.column("key").doUpdateSet({ value }))
    .execute();
  await record(tx, {
    workspaceId: null,
    actor: "system",
    action: "registration_tokens.voided",
    subject: `epoch ${epoch}`,
  });
  return epoch;
}
