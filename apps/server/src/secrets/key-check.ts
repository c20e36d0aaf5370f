import { AppError } from "@windshift/contract/app-error.ts";
import type { Database, Queries } from "../db/database.ts";
import { sealCounted } from "./key-uses.ts";
import { keyIdOf, type MasterKey, open, type SealedPlace } from "./secret-box.ts";

const SETTING = "secret_key_check";
const PLAIN = "this value can be opened";
/** Sealed as everything else is, so it is sealed anew like everything else when the key changes. */
export const KEY_CHECK_PLACE: SealedPlace = {
  table: "settings",
  column: "value",
  row: SETTING,
  workspaceId: null,
};

/**
 * Holds the master key against a value that was sealed when the installation was new (WB-13). Writes nothing but that
 * value and its count, and only when there is none. Call it before anything else is written.
 * @throws AppError `invalid_input` when the key is not the one this database was used with
 */
export async function checkMasterKey(db: Queries, key: MasterKey): Promise<void> {
  const stored = (await findCheck(db)) ?? (await storeCheck(db, key));
  try {
    open(key, stored, KEY_CHECK_PLACE);
  } catch (cause) {
    throw new AppError(
      "invalid_input",
      `WINDSHIFT_SECRET_KEY is not the key this database was used with (that one is ${keyIdOf(stored)}, this one ${key.id}). ` +
        "Give the former key back; without it the stored credentials cannot be read.",
      { cause },
    );
  }
}

/** Whether the database knows a master key; if it does, no new one may be made up. One without tables knows none. */
export async function hasMasterKey({ kysely }: Database): Promise<boolean> {
  const tables = await kysely.introspection.getTables();
  return tables.some(({ name }) => name === "settings") && (await findCheck(kysely)) !== undefined;
}

async function findCheck(db: Queries): Promise<string | undefined> {
  return (await db.selectFrom("settings").select("value").where("key", "=", SETTING).executeTakeFirst())
    ?.value;
}

/** @returns what is stored then, which is another server's value if that one came first */
async function storeCheck(db: Queries, key: MasterKey): Promise<string> {
  const value = await sealCounted(db, key, PLAIN, KEY_CHECK_PLACE);
  await db
    .insertInto("settings")
    .values({ key: SETTING, value })
    .onConflict((oc) => oc.column("key").doNothing())
    .execute();
  return (await findCheck(db)) ?? value;
}
