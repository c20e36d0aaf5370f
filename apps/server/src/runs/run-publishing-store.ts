import type { AttemptResult } from "@windshift/contract/job.ts";
import { sql } from "kysely";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { parseRun, type Run } from "./run.ts";
import { beginPhase } from "./run-attempts.ts";
import { keepOutput } from "./run-output-store.ts";

/**
 * What follows a result, in order. Each is idempotent where it takes effect: look before create. `reply` is not waited for:
 * whoever follows the pull request writes it when the run has ended, and a run does not fail for it.
 */
export const PUBLISHING_STEPS = [
  "verify_branch",
  "open_pull_request",
  "link_item",
  "post_comment",
  "reply",
] as const;
export type PublishingStep = (typeof PUBLISHING_STEPS)[number];

/** How long a server that died keeps a run's finishing steps from the others, ms. One that lives renews its hold. */
const PUBLISHING_HOLD_MS = 10_000;
/** Time between renewals, ms; two may be late. */
export const PUBLISHING_RENEW_MS = 3_000;

/**
 * Takes the run out of its runner's hands with the attempt's result; from here the server finishes it alone.
 * @param run the live attempt, locked by the caller
 */
export async function startPublishing(
  database: Database,
  tx: Queries,
  run: Run,
  result: AttemptResult,
): Promise<void> {
  const { delivered: _, ...kept } = result;
  await keepOutput(tx, run.id, result);
  await beginPhase(database, tx, { run: run.id, attempt: run.attempt, phase: "publishing" });
  await tx
    .updateTable("runs")
    .set({
      phase: "publishing",
      runner_id: null,
      lease_expires_at_ms: null,
      isolation: result.isolation,
      base_oid: result.base_oid,
      summary: result.summary,
      result: JSON.stringify(kept),
    })
    .where("id", "=", run.id)
    .where("attempt", "=", run.attempt)
    .execute();
  if (run.grants?.push === false) return; // there is nothing to publish
  const now = dbNowMs(database.engine);
  await tx
    .insertInto("run_steps")
    .values(
      PUBLISHING_STEPS.map((step) => ({
        run_id: run.id,
        step,
        status: "pending",
        tries: 0,
        updated_at_ms: now,
      })),
    )
    .onConflict((oc) =>
      oc.columns(["run_id", "step"]).doUpdateSet({ status: "pending", tries: 0, detail: null }),
    )
    .execute();
}

/** Takes one run that has a result to finish, for PUBLISHING_HOLD_MS; undefined when there is none. */
export async function takePublishing(database: Database): Promise<Run | undefined> {
  const now = dbNowMs(database.engine);
  const row = await database.transaction(async (tx) => {
    let query = tx
      .selectFrom("runs")
      .select("id")
      // By the index of who holds what: nobody holds these. A status that is a parameter would have all runs read that ever were.
      .where("status", "=", sql.lit("running"))
      .where("runner_id", "is", null)
      .where("phase", "=", "publishing")
      .where((eb) => eb.or([eb("publishing_until_ms", "is", null), eb("publishing_until_ms", "<", now)]))
      .where((eb) => eb.or([eb("not_before_ms", "is", null), eb("not_before_ms", "<=", now)]))
      .orderBy("id")
      .limit(1);
    if (database.engine === "postgres") query = query.forUpdate().skipLocked();
    const next = await query.executeTakeFirst();
    if (next === undefined) return undefined;
    return tx
      .updateTable("runs")
      .set((eb) => ({ publishing_until_ms: eb(now, "+", PUBLISHING_HOLD_MS), not_before_ms: null }))
      .where("id", "=", next.id)
      .returningAll()
      .executeTakeFirstOrThrow();
  });
  // Outside of the transaction: a row that cannot be read is held like any other and does not stop those behind it.
  return row === undefined ? undefined : parseRun(row);
}

/** Keeps the run for its finishing steps. */
export function renewPublishing(database: Database, run: Run): Promise<void> {
  return holdPublishing(database, run, PUBLISHING_HOLD_MS);
}

/** Lets nobody take the run before `waitMs` have passed, then anybody. */
export async function holdPublishing(database: Database, run: Run, waitMs: number): Promise<void> {
  await database.kysely
    .updateTable("runs")
    .set((eb) => ({ publishing_until_ms: eb(dbNowMs(database.engine), "+", waitMs) }))
    .where("id", "=", run.id)
    .where("attempt", "=", run.attempt)
    .where("phase", "=", "publishing")
    .execute();
}

/** As if none had been tried. */
export async function resetSteps(tx: Queries, run: number, now: ReturnType<typeof dbNowMs>): Promise<void> {
  await tx
    .updateTable("run_steps")
    .set({ status: "pending", tries: 0, detail: null, updated_at_ms: now })
    .where("run_id", "=", run)
    .execute();
}

export interface StepState {
  step: PublishingStep;
  status: "pending" | "done" | "failed";
  tries: number;
  detail: string | null;
}

/** The steps after the result, in their order; those that the run does not take are left out. */
export async function listSteps(db: Queries, run: number): Promise<StepState[]> {
  const rows = await db.selectFrom("run_steps").selectAll().where("run_id", "=", run).execute();
  return PUBLISHING_STEPS.flatMap((step) => {
    const row = rows.find((r) => r.step === step);
    return row === undefined
      ? []
      : [{ step, status: row.status as StepState["status"], tries: row.tries, detail: row.detail }];
  });
}

/** Writes down how a step stands. */
export async function recordStep(database: Database, run: number, state: StepState): Promise<void> {
  await database.kysely
    .updateTable("run_steps")
    .set({
      status: state.status,
      tries: state.tries,
      detail: state.detail,
      updated_at_ms: dbNowMs(database.engine),
    })
    .where("run_id", "=", run)
    .where("step", "=", state.step)
    .execute();
}
