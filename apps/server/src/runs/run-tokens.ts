import type { Attempt, RunId } from "@windshift/contract/ids.ts";
import { createToken, hashToken, TOKEN_PREFIX } from "@windshift/contract/tokens.ts";
import type { Queries } from "../db/database.ts";
import { parseRun, RUN_COLUMNS, type Run } from "./run.ts";

/** `agent`: model and own work item. `git`: fetch of the granted repository, push of the one granted ref. */
export type RunTokenScope = "agent" | "git";
export type RunTokens = Record<RunTokenScope, string>;

/** Makes both tokens of a new attempt. Older attempts' tokens are dead already, since the attempt was raised. */
export async function createRunTokens(db: Queries, run: RunId, attempt: Attempt): Promise<RunTokens> {
  const [tokens] = await createTokensOfRuns(db, [{ run, attempt }]);
  return tokens as RunTokens;
}

/** The same for several attempts, in their order. */
export async function createTokensOfRuns(
  db: Queries,
  attempts: readonly { run: RunId; attempt: Attempt }[],
): Promise<RunTokens[]> {
  const made = attempts.map(() => ({ agent: createToken("run"), git: createToken("run") }));
  const rows = attempts.flatMap(({ run, attempt }, at) =>
    Object.entries(made[at] as RunTokens).map(([scope, token]) => ({
      token_hash: hashToken(token),
      run_id: run,
      attempt,
      scope,
    })),
  );
  await db.insertInto("run_tokens").values(rows).execute();
  return made;
}

/**
 * Gives the run a token belongs to while its attempt is the live one: held by a runner, not asked to cancel.
 * Everything else (unknown, other scope, ended, superseded) is undefined.
 */
export async function findRunByToken(
  db: Queries,
  token: string,
  scope: RunTokenScope,
): Promise<Run | undefined> {
  if (!token.startsWith(TOKEN_PREFIX.run)) return undefined;
  const row = await selectLiveRuns(db, [hashToken(token)], scope)
    .select(RUN_COLUMNS.map((column) => `runs.${column}` as const))
    .executeTakeFirst();
  return row && parseRun(row);
}

/** The live runs of tokens, by the tokens' hashes; who asks selects what is needed of them. */
export function selectLiveRuns(db: Queries, hashes: readonly string[], scope: RunTokenScope) {
  return db
    .selectFrom("run_tokens")
    .innerJoin("runs", "runs.id", "run_tokens.run_id")
    .where("run_tokens.token_hash", "in", hashes)
    .where("run_tokens.scope", "=", scope)
    .whereRef("run_tokens.attempt", "=", "runs.attempt")
    .where("runs.status", "=", "running")
    .where("runs.lease_expires_at_ms", "is not", null)
    .where("runs.cancel_requested_at_ms", "is", null);
}

/** Whether the attempt may still act: the question every broker asks again before an effect. */
export async function isLiveAttempt(db: Queries, run: RunId, attempt: Attempt): Promise<boolean> {
  const row = await db
    .selectFrom("runs")
    .select("id")
    .where("id", "=", run)
    .where("attempt", "=", attempt)
    .where("status", "=", "running")
    .where("lease_expires_at_ms", "is not", null)
    .where("cancel_requested_at_ms", "is", null)
    .executeTakeFirst();
  return row !== undefined;
}
