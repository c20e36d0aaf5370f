import type { Database, Queries } from "../db/database.ts";
import { raiseEpoch } from "../runners/registration-epoch.ts";

/** What works once, or as long as somebody is signed in: used or ended since the backup was made, it would work again. */
const ENDED = ["session", "password_links", "invitations", "cli_logins", "oidc_logins"] as const;

/**
 * How far the attempts of runs that are under way are raised: since the backup a runner may have been given some, and would be taken for
 * the one that is given the same number next. More than anybody repeats a run between two backups.
 */
const ATTEMPTS_SKIPPED = 100;
/** Numbers end at 1,000 (Attempt): near there a run is raised by one. */
const ATTEMPT_SKIP_MAX = 800;

/**
 * Makes void what a restored backup brings back: registration tokens of runners (their epoch is raised), sessions, links,
 * invitations, and the attempts that runners are at work on: their runs begin another. API tokens and credentials of runners stay, as programs would stop without them; nobody but a person knows which
 * of them were taken back since.
 */
export async function voidRestored(database: Database): Promise<void> {
  // A backup of an earlier version has not all of them.
  const tables = new Set((await database.kysely.introspection.getTables()).map(({ name }) => name));
  await database.transaction(async (tx) => {
    await raiseEpoch(tx);
    await skipAttempts(tx);
    for (const table of ENDED) if (tables.has(table)) await tx.deleteFrom(table).execute();
  });
}

/** Runs that are being finished are in no runner's hands. */
async function skipAttempts(tx: Queries): Promise<void> {
  await tx
    .updateTable("runs")
    .set((eb) => ({
      attempt: eb
        .case()
        .when("attempt", ">", ATTEMPT_SKIP_MAX)
        .then(eb("attempt", "+", 1))
        .else(eb("attempt", "+", ATTEMPTS_SKIPPED))
        .end(),
    }))
    .where((eb) =>
      eb.or([
        eb("status", "in", ["queued", "waiting"]),
        eb.and([eb("status", "=", "running"), eb("lease_expires_at_ms", "is not", null)]),
      ]),
    )
    .execute();
}
