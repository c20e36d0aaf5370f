import { backoffMs } from "@windshift/base/backoff.ts";
import { systemClock } from "@windshift/base/clock.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { type Kysely, sql, type Transaction } from "kysely";
import { runTransaction } from "./after-commit.ts";
import type { Schema } from "./schema.ts";

/** Waits between questions to a database that does not answer, ms. */
const ASK_FIRST_MS = 100;
const ASK_MAX_MS = 2_000;
/** After which it is given up, ms, however long each question waits: a database is back by then, or somebody looks after it. */
const ASKING_MS_MAX = 120_000;

/**
 * A transaction of PostgreSQL whose end is known also when the answer to its commit was lost: then the database is asked, once it
 * answers again. For what is done once more when it rejects and must not be done twice.
 * @param ending aborts when nobody waits for the answer any more: then it is not asked on
 */
export async function runCertainTransaction<T>(
  kysely: Kysely<Schema>,
  ending: AbortSignal,
  work: (tx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  let done: { id: string; result: T } | undefined;
  try {
    return await runTransaction(kysely, async (tx) => {
      const id = await sql<{ id: string }>`select pg_current_xact_id()::text as id`.execute(tx);
      const result = await work(tx);
      done = { id: id.rows[0]?.id ?? "", result };
      return result;
    });
  } catch (error) {
    const isLost = error instanceof AppError && error.code === "unavailable";
    if (done !== undefined && isLost && (await wasCommitted(kysely, ending, done.id))) return done.result;
    throw error;
  }
}

async function wasCommitted(kysely: Kysely<Schema>, ending: AbortSignal, id: string): Promise<boolean> {
  const over = AbortSignal.any([ending, AbortSignal.timeout(ASKING_MS_MAX)]);
  const given = new Promise<undefined>((resolve) => {
    if (over.aborted) resolve(undefined);
    else over.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  for (let tries = 1; !over.aborted; tries++) {
    const asked = sql<{ status: string | null }>`select pg_xact_status(${id}::xid8) as status`
      .execute(kysely)
      .catch(() => undefined); // asked again
    const answer = await Promise.race([asked, given]);
    const status = answer?.rows[0]?.status;
    if (answer !== undefined && status !== "in progress") return status === "committed";
    await systemClock.sleep(backoffMs(tries, ASK_FIRST_MS, ASK_MAX_MS), over);
  }
  return false;
}
