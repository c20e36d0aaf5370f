import { AppError } from "@windshift/contract/app-error.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { ForgeBusy } from "./forge.ts";
import type { Run } from "./run.ts";

/** How long a run waits for a forge that asks to wait or does not answer, ms from the first time: limits of forges are by the hour. */
export const FORGE_WAIT_MS_MAX = 3_600_000;
/** Waits between two tries when the forge names no time, ms: half as long as it has been down, within these. */
const FORGE_WAIT_STEP_MS_MIN = 1_000;
const FORGE_WAIT_STEP_MS_MAX = 5 * 60_000;

/** What becomes of a run whose forge failed it. */
export type ForgeWait = "waits" | "over" | "other";

/**
 * Puts off a run whose forge asks to wait or does not answer: it says so, and its next try is not before then. What the run
 * is doing now (a claim, the finishing of its result) is ended by `set`.
 * @param run locked by the caller
 * @returns `over` after FORGE_WAIT_MS_MAX; `other` for an error that waiting does not mend
 */
export async function putOffForForge(
  database: Database,
  tx: Queries,
  run: Run,
  error: unknown,
  set:
    | { status: "queued"; phase: null; runner_id: null; lease_expires_at_ms: null }
    | { publishing_until_ms: null },
): Promise<ForgeWait> {
  if (!isPassing(error)) return "other";
  const { now } = await tx.selectNoFrom(dbNowMs(database.engine).as("now")).executeTakeFirstOrThrow();
  const sinceMs = run.forge_wait_since_ms ?? now;
  if (now - sinceMs >= FORGE_WAIT_MS_MAX) return "over";
  const stepMs = Math.min(FORGE_WAIT_STEP_MS_MAX, Math.max(FORGE_WAIT_STEP_MS_MIN, (now - sinceMs) / 2));
  // The forge named it by this server's clock.
  const askedMs = error instanceof ForgeBusy ? (error.retryAtMs ?? 0) - Date.now() : 0;
  const untilMs = Math.ceil(now + Math.max(stepMs, askedMs));
  const said = error.message.replace(/\.$/, "");
  await tx
    .updateTable("runs")
    .set({
      ...set,
      not_before_ms: untilMs,
      forge_wait_since_ms: sinceMs,
      detail: `${said}. It is tried again at ${new Date(untilMs).toISOString()}.`,
    })
    .where("id", "=", run.id)
    .where("attempt", "=", run.attempt)
    .execute();
  return "waits";
}

/** Whether the run waits for its forge to finish its result, so that nobody works on it. */
export function waitsToPublish(run: Pick<Run, "phase" | "not_before_ms">): boolean {
  return run.phase === "publishing" && run.not_before_ms !== null;
}

/** A rate limit, or a forge without an answer: over some time, without anybody's doing. */
function isPassing(error: unknown): error is AppError {
  return error instanceof AppError && (error.code === "rate_limited" || error.code === "upstream_failed");
}
