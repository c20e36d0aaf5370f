import type { Queries } from "../db/database.ts";

/** What is known of a run that has ended; times in ms since 1970, by the database's clock. Nothing in it was written by people. */
export interface RunFacts {
  run: {
    id: number;
    pool: number;
    trigger: string;
    status: string;
    reason: string;
    createdAtMs: number;
    endedAtMs: number;
  };
  attempts: {
    attempt: number;
    claimedAtMs: number;
    endedAtMs: number;
    outcome: string;
    phases: { name: string; startMs: number; endMs: number }[];
  }[];
  /** The first CALLS_MAX; `modelCalls` counts all. */
  calls: {
    id: number;
    attempt: number;
    startMs: number;
    endMs: number;
    inputTokens: number;
    outputTokens: number;
    /** HTTP status that the agent was answered with. */
    status: number;
  }[];
  modelCalls: number;
  steps: { name: string; startMs: number; endMs: number; tries: number; failed: boolean }[];
}

/** Model calls of one trace: readers of traces get slow with thousands of spans. */
export const CALLS_MAX = 500;

/** Undefined for a run that is not there or has not ended. */
export async function findRunFacts(db: Queries, id: number): Promise<RunFacts | undefined> {
  const row = await db
    .selectFrom("runs")
    .select(["id", "pool_id", "trigger_kind", "status", "reason", "created_at_ms", "ended_at_ms"])
    .where("id", "=", id)
    .executeTakeFirst();
  if (row === undefined || row.ended_at_ms === null) return undefined;
  const endedAtMs = row.ended_at_ms;
  const attempts = await readAttempts(db, id, endedAtMs);
  const publishingMs = attempts.at(-1)?.phases.find(({ name }) => name === "publishing")?.startMs;
  return {
    run: {
      id,
      pool: row.pool_id,
      trigger: row.trigger_kind,
      status: row.status,
      reason: row.reason ?? "none",
      createdAtMs: row.created_at_ms,
      endedAtMs,
    },
    attempts,
    ...(await readCalls(db, id)),
    steps: publishingMs === undefined ? [] : await readSteps(db, id, publishingMs),
  };
}

async function readAttempts(db: Queries, run: number, endedAtMs: number): Promise<RunFacts["attempts"]> {
  const attempts = await db
    .selectFrom("run_attempts")
    .select(["attempt", "claimed_at_ms", "ended_at_ms", "outcome"])
    .where("run_id", "=", run)
    .orderBy("attempt")
    .execute();
  const phases = await db
    .selectFrom("run_phases")
    .select(["attempt", "phase", "started_at_ms"])
    .where("run_id", "=", run)
    .orderBy("started_at_ms")
    .execute();
  return attempts.map(({ attempt, claimed_at_ms, ended_at_ms, outcome }) => {
    const endMs = ended_at_ms ?? endedAtMs;
    const begun = [
      { phase: "claimed", started_at_ms: claimed_at_ms },
      ...phases.filter((phase) => phase.attempt === attempt),
    ];
    return {
      attempt,
      claimedAtMs: claimed_at_ms,
      endedAtMs: endMs,
      outcome: outcome ?? "none",
      phases: begun.map(({ phase, started_at_ms }, at) => ({
        name: phase,
        startMs: started_at_ms,
        endMs: begun[at + 1]?.started_at_ms ?? endMs,
      })),
    };
  });
}

async function readCalls(db: Queries, run: number): Promise<Pick<RunFacts, "calls" | "modelCalls">> {
  const { count } = await db
    .selectFrom("run_usage")
    .select((eb) => eb.fn.countAll<number | string>().as("count"))
    .where("run_id", "=", run)
    .executeTakeFirstOrThrow();
  const rows = await db
    .selectFrom("run_usage")
    .select(["id", "attempt", "status", "duration_ms", "created_at_ms", "input_tokens", "output_tokens"])
    .where("run_id", "=", run)
    .orderBy("id")
    .limit(CALLS_MAX)
    .execute();
  const calls = rows.map((row) => ({
    id: row.id,
    attempt: row.attempt,
    startMs: row.created_at_ms - row.duration_ms,
    endMs: row.created_at_ms,
    inputTokens: row.input_tokens ?? 0,
    outputTokens: row.output_tokens ?? 0,
    status: row.status,
  }));
  return { calls, modelCalls: Number(count) };
}

/** They are done one after the other; each lasts until it was noted. */
async function readSteps(db: Queries, run: number, publishingMs: number): Promise<RunFacts["steps"]> {
  const rows = await db
    .selectFrom("run_steps")
    .select(["step", "status", "tries", "updated_at_ms"])
    .where("run_id", "=", run)
    .where("status", "!=", "pending")
    .orderBy("updated_at_ms")
    .execute();
  return rows.map(({ step, status, tries, updated_at_ms }, at) => ({
    name: step,
    startMs: rows[at - 1]?.updated_at_ms ?? publishingMs,
    endMs: updated_at_ms,
    tries,
    failed: status === "failed",
  }));
}
