import type { Database, Queries } from "../db/database.ts";
import { KEY_CHECK_PLACE } from "./key-check.ts";
import { countUses } from "./key-uses.ts";
import { keyIdOf, type MasterKey, open, type SealedPlace, seal } from "./secret-box.ts";

/** A sealed value where it is stored. */
interface SealedValue {
  sealed: string;
  place: SealedPlace;
  /** Puts another value in its place if it is still there. */
  replace(tx: Queries, sealed: string): Promise<void>;
}

/** Rows looked at in one go, and values counted in one go: an end at any moment loses that many uses of the key at most. */
const PAGE = 100;

/**
 * Seals with the key everything that the key before it sealed, row by row (WB-12). Each row is changed by itself and only if
 * it is still what was read, so it can end at any moment, go on later, and run on several servers at once.
 * @param onChanged told after each value how many were changed
 * @returns how many values were sealed anew; 0 means the key before it is not needed any more
 * @throws AppError `conflict` when the key has sealed as many values as it may
 */
export async function sealAnew(
  database: Database,
  key: MasterKey,
  onChanged: (changed: number) => void = () => {},
): Promise<number> {
  if (key.previous === undefined) return 0;
  let changed = 0;
  for (const values of [connectionValues, keyCheckValues])
    for await (const value of values(database.kysely)) {
      if (keyIdOf(value.sealed) === key.id) continue;
      if (changed % PAGE === 0) await countUses(database.kysely, key, PAGE);
      await value.replace(database.kysely, seal(key, open(key, value.sealed, value.place), value.place));
      onChanged(++changed);
    }
  return changed;
}

const CONNECTION_COLUMNS = ["secret_sealed", "webhook_secret_sealed"] as const;

/** Every column that holds sealed values; a test holds it to the schema. */
export const SEALED_COLUMNS: readonly string[] = CONNECTION_COLUMNS.map((column) => `connections.${column}`);

async function* connectionValues(db: Queries): AsyncGenerator<SealedValue> {
  for (let after = 0; ; ) {
    const rows = await db
      .selectFrom("connections")
      .select(["id", "workspace_id", ...CONNECTION_COLUMNS])
      .where("id", ">", after)
      .orderBy("id")
      .limit(PAGE)
      .execute();
    for (const row of rows) for (const column of CONNECTION_COLUMNS) yield* connectionValue(row, column);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

function* connectionValue(
  row: { id: number; workspace_id: number } & Record<(typeof CONNECTION_COLUMNS)[number], string | null>,
  column: (typeof CONNECTION_COLUMNS)[number],
): Generator<SealedValue> {
  const sealed = row[column];
  if (sealed === null) return;
  yield {
    sealed,
    place: { table: "connections", column, row: row.id, workspaceId: row.workspace_id },
    replace: async (tx, anew) => {
      await tx
        .updateTable("connections")
        .set({ [column]: anew })
        .where("id", "=", row.id)
        .where(column, "=", sealed)
        .execute();
    },
  };
}

/** Comes last: once it names the new key, so does everything else. */
async function* keyCheckValues(db: Queries): AsyncGenerator<SealedValue> {
  const key = String(KEY_CHECK_PLACE.row);
  const row = await db.selectFrom("settings").select("value").where("key", "=", key).executeTakeFirst();
  if (row === undefined) return;
  yield {
    sealed: row.value,
    place: KEY_CHECK_PLACE,
    replace: async (tx, anew) => {
      await tx
        .updateTable("settings")
        .set({ value: anew })
        .where("key", "=", key)
        .where("value", "=", row.value)
        .execute();
    },
  };
}
