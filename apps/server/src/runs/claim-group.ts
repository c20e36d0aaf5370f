import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { sql } from "kysely";
import type { Database, Queries } from "../db/database.ts";
import { ClaimFault, spendAttempt } from "./claim-fault.ts";
import { draftJobs, type JobAddresses, type JobDraft } from "./job-spec.ts";
import type { Run } from "./run.ts";
import { type Claim, type Claimer, type ClaimReply, claimRuns, hasQueued } from "./run-queue.ts";

/** Who asks for a job. */
export interface JobClaimer extends Claimer {
  addresses: JobAddresses;
}

/** A claimed run, and its job but for what its branches point at. */
export interface ClaimedRun {
  run: Run;
  draft: JobDraft;
}

export interface ClaimGroupParts<C extends JobClaimer> {
  database: Database;
  /** Writes what is to be known of the claims, in their transaction. */
  onClaims?(tx: Queries, claims: readonly Claim<C>[]): Promise<void>;
  /** Told of a claimed run that could not be made into a job. */
  onClaimError(run: number, cause: unknown): void;
}

/**
 * The half of a claim that asks the database alone, so that it takes no longer than that, for several that ask: one transaction
 * for all of them, on disk before the first of them hears of it. A run that no job can be made of has had its turn; the next may
 * be well.
 * @param claimers with the same labels; a runner in a server asks alone
 * @returns a promise for each, in their order, so that what went wrong for one is not told the others
 */
export async function claimGroup<C extends JobClaimer>(
  parts: ClaimGroupParts<C>,
  pool: PoolId,
  claimers: readonly C[],
): Promise<PromiseSettledResult<ClaimReply<ClaimedRun>>[]> {
  try {
    const replies = await claimTogether(parts, pool, claimers);
    return replies.map((value) => ({ status: "fulfilled", value }));
  } catch (reason) {
    if (claimers.length === 1) return [{ status: "rejected", reason }];
    // Which of them it was is not known: each for itself.
    const each: PromiseSettledResult<ClaimReply<ClaimedRun>>[] = [];
    for (const claimer of claimers) each.push(...(await claimGroup(parts, pool, [claimer])));
    return each;
  }
}

async function claimTogether<C extends JobClaimer>(
  parts: ClaimGroupParts<C>,
  pool: PoolId,
  claimers: readonly C[],
): Promise<ClaimReply<ClaimedRun>[]> {
  const { database } = parts;
  for (;;) {
    if (!(await hasQueued(database.kysely, pool))) return claimers.map(() => ({ kind: "none" })); // most looks; that needs no transaction
    try {
      return await claimRuns(database, pool, claimers, (tx, claims) => start(parts, tx, claims));
    } catch (error) {
      if (!(error instanceof ClaimFault)) throw error;
      parts.onClaimError(error.run, error.cause);
      await spendAttempt(database, error);
    }
  }
}

async function start<C extends JobClaimer>(
  parts: ClaimGroupParts<C>,
  tx: Queries,
  claims: readonly Claim<C>[],
): Promise<ClaimedRun[]> {
  await startItems(tx, claims);
  await parts.onClaims?.(tx, claims);
  const drafts = await draftJobs(
    tx,
    claims.map(({ run, by }) => ({ run, addresses: by.addresses })),
  );
  return drafts.map((draft, at) => ({ run: (claims[at] as Claim<C>).run, draft }));
}

/** Items nobody has started are in progress once their runs are. */
async function startItems(tx: Queries, claims: readonly Claim<Claimer>[]): Promise<void> {
  await tx
    .updateTable("work_items")
    .set({ status: "in_progress" })
    .where(
      "id",
      "in",
      claims.map(({ run }) => run.work_item_id),
    )
    .where("status", "=", "todo")
    .execute();
}

/** The run that a claim with this key has brought and that the runner still holds. */
export async function findByKey(
  db: Queries,
  runner: RunnerId,
  key: string,
): Promise<{ id: number; attempt: number } | undefined> {
  return db
    .selectFrom("runs")
    .select(["id", "attempt"])
    .where("runner_id", "=", runner)
    .where("claim_key", "=", key)
    .where("status", "=", sql.lit("running"))
    .executeTakeFirst();
}
