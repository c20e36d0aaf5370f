import { existsSync } from "node:fs";
import { join } from "node:path";
import { redact } from "@windshift/base/redact.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { type Database, dbNowMs, openDatabase, type Queries } from "../db/database.ts";
import { raiseEpoch, readEpoch } from "./registration-epoch.ts";

/**
 * After a restored backup, which brings used tokens back as unused: makes every registration token void that was ever made. Safe
 * while the server runs and while it does not, and as often as one likes.
 * @returns how many tokens could have been used until now
 * @throws AppError that names the setting to look at
 */
export async function revokeRegistrations(store: {
  /** DATABASE_URL. */
  url: string | undefined;
  dataDir: string;
}): Promise<number> {
  const sqliteFile = join(store.dataDir, "windshift.db");
  if (store.url === undefined && !existsSync(sqliteFile))
    throw new AppError("not_found", `WINDSHIFT_DATA: there is no database in ${store.dataDir}`);
  const where = store.url === undefined ? `the database ${sqliteFile}` : "the database of DATABASE_URL";
  const database = await openDatabase({ url: store.url, sqliteFile }).catch((cause: unknown) => {
    throw unusable(where, cause);
  });
  try {
    return await database.transaction(async (tx) => {
      const open = await countOpen(database, tx);
      await raiseEpoch(tx);
      return open;
    });
  } catch (cause) {
    throw unusable(where, cause);
  } finally {
    await database.close();
  }
}

async function countOpen(database: Database, tx: Queries): Promise<number> {
  const { count } = await tx
    .selectFrom("registration_tokens")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("used_at_ms", "is", null)
    .where("revoked_at_ms", "is", null)
    .where("epoch", "=", await readEpoch(tx))
    .where("expires_at_ms", ">", dbNowMs(database.engine))
    .executeTakeFirstOrThrow();
  return count;
}

/** Such as one of an older version, which has no such tokens yet. */
function unusable(where: string, cause: unknown): AppError {
  const why = redact(cause instanceof Error ? cause.message : String(cause));
  const todo = "a backup of an older version is brought up to date by starting the server once";
  return new AppError("unavailable", `${where} cannot be used: ${why}; ${todo}`, { cause });
}
