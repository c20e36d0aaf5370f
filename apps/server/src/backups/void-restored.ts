import { type Database, dbNowMs, type Queries } from "../db/database.ts";
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

/** API tokens of people and credentials of runners: taken back since the backup was made, they would work again. */
export type Credentials = "void" | "keep";

/**
 * Makes void what a restored backup brings back: registration tokens of runners (their epoch is raised), sessions, links,
 * invitations, API tokens, runners' credentials, and the attempts that runners are at work on: their runs begin another.
 * @param credentials `keep` leaves API tokens and runners as they were then, for who knows that none was taken back since
 */
export async function voidRestored(database: Database, credentials: Credentials): Promise<void> {
  // A backup of an earlier version has not all of them.
  const tables = new Set((await database.kysely.introspection.getTables()).map(({ name }) => name));
  const ended = credentials === "void" ? [...ENDED, "api_tokens" as const] : ENDED;
  await database.transaction(async (tx) => {
    await raiseEpoch(tx);
    await skipAttempts(database, tx);
    for (const table of ended) if (tables.has(table)) await tx.deleteFrom(table).execute();
    if (credentials === "void" && tables.has("runner_credentials")) await revokeHosts(database, tx);
  });
}

async function revokeHosts(database: Database, tx: Queries): Promise<void> {
  await tx
    .updateTable("runners")
    .set({ revoked_at_ms: dbNowMs(database.engine) })
    .where("kind", "=", "host")
    .where("revoked_at_ms", "is", null)
    .execute();
}

/**
 * Runs that are being finished are in no runner's hands, and one whose branch was pushed keeps its number: what its agent said last
 * stands under that, and a report of the same attempt is the same report.
 */
async function skipAttempts(database: Database, tx: Queries): Promise<void> {
  await tx
    .updateTable("run_attempts")
    .set({ outcome: "interrupted", ended_at_ms: dbNowMs(database.engine) })
    .where("ended_at_ms", "is", null)
    .where("run_id", "in", (eb) =>
      eb
        .selectFrom("runs")
        .select("id")
        .where("status", "=", "running")
        .where("lease_expires_at_ms", "is not", null)
        .where("pushed_oid", "is", null),
    )
    .execute();
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
        eb.and([
          eb("status", "=", "running"),
          eb("lease_expires_at_ms", "is not", null),
          eb("pushed_oid", "is", null),
        ]),
      ]),
    )
    .execute();
}
