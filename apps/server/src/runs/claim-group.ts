import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { sql } from "kysely";
import { recordActivity } from "../activity/activity-store.ts";
import { announceItems, nextUpdate } from "../activity/item-change.ts";
import type { Database, Queries } from "../db/database.ts";
import { ClaimFault, spendAttempt } from "./claim-fault.ts";
import { draftJobs, type JobAddresses, type JobDraft } from "./job-spec.ts";
import type { Run } from "./run.ts";
import { type Claim, type Claimer, type ClaimReply, claimRuns, hasQueued, type Made } from "./run-queue.ts";

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
): Promise<Made<ClaimedRun>[]> {
  await startItems(parts.database, tx, claims);
  await parts.onClaims?.(tx, claims);
  const drafts = await draftJobs(
    tx,
    claims.map(({ run, by }) => ({ run, addresses: by.addresses })),
  );
  return drafts.map((draft, at) => {
    const { run } = claims[at] as Claim<C>;
    return { value: { run, draft }, prompt: draft.initial_prompt };
  });
}

/**
 * Items nobody has started are in progress once their runs are. A trigger locks an item before its run, and a claim has the run
 * already: an item that is locked stays as it is, since each would wait for the other.
 */
async function startItems(database: Database, tx: Queries, claims: readonly Claim<Claimer>[]): Promise<void> {
  const runs = new Map<number, Run>(claims.map(({ run }) => [run.work_item_id, run]));
  const items = await tx
    .updateTable("work_items")
    .set({ status: "in_progress", updated_at_ms: nextUpdate() })
    .where("id", "in", (eb) => {
      const open = eb
        .selectFrom("work_items")
        .select("id")
        .where("id", "in", [...runs.keys()])
        .where("status", "=", "todo");
      return database.engine === "postgres" ? open.forNoKeyUpdate().skipLocked() : open;
    })
    .returning(["id", "workspace_id"])
    .execute();
  const change = { kind: "status" as const, from: "todo" as const, to: "in_progress" as const };
  await recordActivity(
    tx,
    items.map(({ id, workspace_id: workspaceId }) => {
      const run = runs.get(id);
      return {
        workspaceId,
        workItemId: id,
        actorId: run?.agent_user_id ?? null,
        runId: run?.id ?? null,
        change,
      };
    }),
  );
  for (const workspace of new Set(items.map((item) => item.workspace_id)))
    announceItems(database, tx, workspace);
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
