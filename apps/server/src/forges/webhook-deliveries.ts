import type { Queries } from "../db/database.ts";

/** How long the id of a delivery is kept, ms: forges let people send one again for some days. */
const DELIVERY_KEPT_MS = 8 * 86_400_000;
/** A connection is heard of when a delivery came in this time, ms. */
const HEARD_OF_MS = 86_400_000;

/** Keeps the id of a delivery. @returns false when it came before */
export async function keepDelivery(db: Queries, connectionId: number, delivery: string): Promise<boolean> {
  const row = await db
    .insertInto("forge_deliveries")
    .values({ connection_id: connectionId, delivery, received_at_ms: Date.now() })
    .onConflict((oc) => oc.columns(["connection_id", "delivery"]).doNothing())
    .returning("delivery")
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether webhooks come from a connection. */
export async function isHeardOf(db: Queries, connectionId: number): Promise<boolean> {
  const row = await db
    .selectFrom("forge_deliveries")
    .select("delivery")
    .where("connection_id", "=", connectionId)
    .where("received_at_ms", ">", Date.now() - HEARD_OF_MS)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Deliveries that are too old to come again are no longer known. */
export async function forgetOldDeliveries(db: Queries): Promise<void> {
  await db
    .deleteFrom("forge_deliveries")
    .where("received_at_ms", "<", Date.now() - DELIVERY_KEPT_MS)
    .execute();
}
