import type { Database } from "../db/database.ts";
import { raiseEpoch } from "../runners/registration-epoch.ts";

/** What works once, or as long as somebody is signed in: used or ended since the backup was made, it would work again. */
const ENDED = ["session", "password_links", "invitations", "cli_logins", "oidc_logins"] as const;

/**
 * Makes void what a restored backup brings back: registration tokens of runners (their epoch is raised), sessions, links and
 * invitations. API tokens and credentials of runners stay, as programs would stop without them; nobody but a person knows which
 * of them were taken back since.
 */
export async function voidRestored(database: Database): Promise<void> {
  // A backup of an earlier version has not all of them.
  const tables = new Set((await database.kysely.introspection.getTables()).map(({ name }) => name));
  await database.transaction(async (tx) => {
    await raiseEpoch(tx);
    for (const table of ENDED) if (tables.has(table)) await tx.deleteFrom(table).execute();
  });
}
