import { AppError } from "@windshift/contract/app-error.ts";
import { sql } from "kysely";
import type { Queries } from "../db/database.ts";
import { type MasterKey, type SealedPlace, seal } from "./secret-box.ts";

/**
 * Values that one key seals, less one: with that many random nonces of 96 bits the chance that two are alike reaches 2^-32,
 * and two alike would give both values away. Source: NIST SP 800-38D, section 8.3.
 */
export const KEY_USES_MAX = 4_294_967_296;
/** Values sealed from which on every start, and the doctor, ask for a new key: three quarters of what a key may do are still to come. */
export const KEY_USES_WARNED = 1_073_741_824;

/**
 * Seals a value that is to be stored, and counts it. The count is written with the transaction of the value.
 * @throws AppError `conflict` when the key has sealed as many values as it may
 */
export async function sealCounted(
  db: Queries,
  key: MasterKey,
  plain: string,
  place: SealedPlace,
  usesMax = KEY_USES_MAX,
): Promise<string> {
  await countUses(db, key, 1, usesMax);
  return seal(key, plain, place);
}

/** Counts `uses` of the key before they are made. @throws AppError `conflict` when they are more than it may have */
export async function countUses(
  db: Queries,
  key: MasterKey,
  uses: number,
  usesMax = KEY_USES_MAX,
): Promise<void> {
  const counted = sql<number>`cast(settings.value as bigint) + ${sql.lit(uses)}`;
  const row = await db
    .insertInto("settings")
    .values({ key: settingOf(key), value: String(uses) })
    .onConflict((oc) =>
      oc
        .column("key")
        .doUpdateSet({ value: sql<string>`cast(${counted} as text)` })
        .where(sql<boolean>`${counted} < ${sql.lit(usesMax)}`),
    )
    .returning("value")
    .executeTakeFirst();
  if (row !== undefined) return;
  throw new AppError(
    "conflict",
    `the secret key ${key.id} has sealed as many values as one key may. Make a new one: see "The secret key" in docs/brokers.md.`,
  );
}

/** How many values the key has sealed, at least: what was set aside for a change of keys counts whole. */
export async function readUses(db: Queries, key: MasterKey): Promise<number> {
  const row = await db
    .selectFrom("settings")
    .select("value")
    .where("key", "=", settingOf(key))
    .executeTakeFirst();
  return Number(row?.value ?? 0);
}

/** A sentence for whoever runs the server; undefined while the key may do much more than it has done. */
export async function usesWarning(
  db: Queries,
  key: MasterKey,
  warned = KEY_USES_WARNED,
): Promise<string | undefined> {
  const uses = await readUses(db, key);
  if (uses < warned) return undefined;
  return `the secret key ${key.id} has sealed ${uses} values; at ${KEY_USES_MAX} it seals no more. Change it before`;
}

/** Kept for a former key too: if it comes back, it goes on from there. */
function settingOf(key: MasterKey): string {
  return `secret_key_uses ${key.id}`;
}
