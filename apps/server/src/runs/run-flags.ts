import type { Attempt, Oid, RunId } from "@windshift/contract/ids.ts";
import { z } from "zod";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";

/** Something a push holds that a person should see. */
const ReviewFlag = z.object({ kind: z.string(), path: z.string(), what: z.string() });
export type ReviewFlag = z.infer<typeof ReviewFlag>;

/** Data of a `review_flagged` event. */
const ReviewFlagged = z.object({ oid: z.string(), findings: z.array(ReviewFlag), more: z.int().min(0) });

/** Findings one event names; the rest is counted. */
const FLAGS_MAX = 100;
/** A path in an event is cut to this, characters. */
const PATH_CHARS_MAX = 400;

/** Puts what an accepted push holds on the transcript, as an event of the server's own: its `seq` counts down from -1. */
export async function flagForReview(
  database: Database,
  tx: Queries,
  push: { run: RunId; attempt: Attempt; oid: Oid; findings: readonly ReviewFlag[] },
): Promise<void> {
  const { run, attempt, oid, findings } = push;
  const lowest = await tx
    .selectFrom("run_events")
    .select((eb) => eb.fn.min("seq").as("seq"))
    .where("run_id", "=", run)
    .where("attempt", "=", attempt)
    .executeTakeFirst();
  const named = findings.slice(0, FLAGS_MAX).map(({ kind, path, what }) => ({
    kind,
    path: path.replaceAll("\0", "\ufffd").slice(0, PATH_CHARS_MAX),
    what,
  }));
  const data = ReviewFlagged.parse({ oid, findings: named, more: findings.length - named.length });
  await tx
    .insertInto("run_events")
    .values({
      run_id: run,
      attempt,
      seq: Math.min(Number(lowest?.seq ?? 0), 0) - 1,
      type: "review_flagged",
      at: new Date().toISOString(),
      data: JSON.stringify(data),
      stored_at_ms: dbNowMs(database.engine),
    })
    .execute();
}

/** What all accepted pushes of a run hold, each thing once. */
export async function listFlags(db: Queries, run: number): Promise<ReviewFlag[]> {
  const rows = await db
    .selectFrom("run_events")
    .select("data")
    .where("run_id", "=", run)
    .where("type", "=", "review_flagged")
    .where("seq", "<", 0)
    .orderBy("id")
    .execute();
  const flags = rows.flatMap((row) => ReviewFlagged.parse(JSON.parse(row.data)).findings);
  return [...new Map(flags.map((flag) => [`${flag.kind} ${flag.path} ${flag.what}`, flag])).values()];
}
