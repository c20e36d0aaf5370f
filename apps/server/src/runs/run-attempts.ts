import type { RunAttempt } from "@windshift/contract/api/run.ts";
import { LEASE_MS } from "@windshift/contract/limits.ts";
import { RunPhase } from "@windshift/contract/run.ts";
import { z } from "zod";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";
import type { Run } from "./run.ts";

const Outcome = z.enum(["succeeded", "failed", "waiting", "canceled", "killed", "interrupted"]);
type Outcome = z.infer<typeof Outcome>;

/** Notes that runs were just claimed. A claim that is answered again is the same attempt. */
export async function beginAttempts(tx: Queries, runs: readonly Run[]): Promise<void> {
  const rows = runs.flatMap(({ id, attempt, runner_id, lease_expires_at_ms: lease }) =>
    // The database's time of the claim: its lease was counted from there.
    lease === null ? [] : [{ run_id: id, attempt, runner_id, claimed_at_ms: lease - LEASE_MS }],
  );
  if (rows.length === 0) return;
  await tx
    .insertInto("run_attempts")
    .values(rows.map((row) => ({ ...row, ended_at_ms: null, outcome: null })))
    .onConflict((oc) => oc.columns(["run_id", "attempt"]).doNothing())
    .execute();
}

/** Notes when an attempt came to a phase; what is told again changes nothing. */
export async function beginPhase(
  database: Database,
  tx: Queries,
  of: { run: number; attempt: number; phase: RunPhase },
): Promise<void> {
  await tx
    .insertInto("run_phases")
    .values({
      run_id: of.run,
      attempt: of.attempt,
      phase: of.phase,
      started_at_ms: dbNowMs(database.engine),
    })
    .onConflict((oc) => oc.columns(["run_id", "attempt", "phase"]).doNothing())
    .execute();
}

/** Notes how the newest attempt of a run ended; the first ending stays. */
export async function endAttempt(
  database: Database,
  tx: Queries,
  run: Pick<Run, "id" | "attempt">,
  outcome: Outcome,
): Promise<void> {
  await tx
    .updateTable("run_attempts")
    .set({ outcome, ended_at_ms: dbNowMs(database.engine) })
    .where("run_id", "=", run.id)
    .where("attempt", "=", run.attempt)
    .where("ended_at_ms", "is", null)
    .execute();
}

/** What was finished is finished again. */
export async function reopenAttempt(tx: Queries, run: Pick<Run, "id" | "attempt">): Promise<void> {
  await tx
    .updateTable("run_attempts")
    .set({ outcome: null, ended_at_ms: null })
    .where("run_id", "=", run.id)
    .where("attempt", "=", run.attempt)
    .execute();
}

/** Newest last. */
export async function listAttempts(db: Queries, run: number): Promise<RunAttempt[]> {
  const attempts = await db
    .selectFrom("run_attempts")
    .leftJoin("runners", "runners.id", "run_attempts.runner_id")
    .select(["attempt", "runners.name as runner", "claimed_at_ms", "ended_at_ms", "outcome"])
    .where("run_id", "=", run)
    .orderBy("attempt")
    .execute();
  const phases = await db
    .selectFrom("run_phases")
    .select(["attempt", "phase", "started_at_ms"])
    .where("run_id", "=", run)
    .execute();
  return attempts.map(({ attempt, runner, claimed_at_ms, ended_at_ms, outcome }) => {
    const begun = phases.filter((phase) => phase.attempt === attempt);
    return {
      attempt,
      runner,
      claimed_at: isoTime(claimed_at_ms),
      ended_at: ended_at_ms === null ? null : isoTime(ended_at_ms),
      outcome: Outcome.nullable().parse(outcome),
      phases: inOrder([{ phase: "claimed", started_at_ms: claimed_at_ms }, ...begun], ended_at_ms),
    };
  });
}

/** Each phase lasts until the next one begins. */
function inOrder(
  begun: { phase: string; started_at_ms: number }[],
  endedAtMs: number | null,
): RunAttempt["phases"] {
  const rank = (phase: string) => RunPhase.options.indexOf(RunPhase.parse(phase));
  const sorted = begun.toSorted((a, b) => rank(a.phase) - rank(b.phase));
  return sorted.map(({ phase, started_at_ms }, at) => {
    const endsAtMs = sorted[at + 1]?.started_at_ms ?? endedAtMs;
    return {
      phase: RunPhase.parse(phase),
      started_at: isoTime(started_at_ms),
      ended_at: endsAtMs === null ? null : isoTime(endsAtMs),
    };
  });
}
