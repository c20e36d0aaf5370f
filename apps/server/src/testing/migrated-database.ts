import type { DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { createFilledDatabase } from "@windshift/testing/filled-database.ts";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";

/** A database of its own on the engine the test run chose, with the tables of this version and nothing in them. */
export function createMigratedDatabase(
  env: Record<string, string | undefined> = process.env,
): Promise<DatabaseFixture> {
  return createFilledDatabase(env, "migrated", async ({ url, sqliteFile }) => {
    const database = await openDatabase({ url, sqliteFile });
    try {
      await migrate(database);
    } finally {
      await database.close();
    }
  });
}
