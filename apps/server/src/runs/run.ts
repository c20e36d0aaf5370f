import { PromptNote } from "@windshift/contract/api/run.ts";
import { Attempt, RunId, WorkItemId, WorkspaceId } from "@windshift/contract/ids.ts";
import { AttemptResult } from "@windshift/contract/job.ts";
import { Isolation, RunPhase, RunReason, RunStatus, TriggerKind } from "@windshift/contract/run.ts";
import { z } from "zod";
import { BudgetShort, describeShort } from "../budgets/budget-short.ts";
import type { Row } from "../db/schema.ts";
import { Grants } from "./grants.ts";

const fromJson = z.string().transform((text, ctx) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    ctx.addIssue({ code: "custom", message: "not JSON" });
    return z.NEVER;
  }
});

/** A run as the rules see it; parsed from its row, so a broken row is found where it is read. */
export const Run = z.object({
  id: RunId,
  workspace_id: WorkspaceId,
  work_item_id: WorkItemId,
  agent_user_id: z.string(),
  binding_id: z.int().nullable(),
  pool_id: z.int(),
  trigger_kind: TriggerKind,
  requested_by: z.string(),
  status: RunStatus,
  phase: RunPhase.nullable(),
  reason: RunReason.nullable(),
  detail: z.string().nullable(),
  /** 0 until the first claim. */
  attempt: z.union([z.literal(0), Attempt]),
  interruptions: z.int().min(0),
  /** What its runner has to be able to do. */
  labels: fromJson.pipe(z.array(z.string())),
  runner_id: z.int().nullable(),
  lease_expires_at_ms: z.number().nullable(),
  cancel_requested_at_ms: z.number().nullable(),
  grants: fromJson.pipe(Grants.nullable()),
  isolation: Isolation.nullable(),
  base_oid: z.string().nullable(),
  pushed_oid: z.string().nullable(),
  head_oid: z.string().nullable(),
  summary: z.string().nullable(),
  plan: z.string().nullable(),
  prompt_notes: fromJson.pipe(z.array(PromptNote)),
  result: fromJson.pipe(AttemptResult).nullable(),
  budget_short: fromJson.pipe(BudgetShort).nullable(),
  branch_run_id: RunId.nullable(),
  not_before_ms: z.number().nullable(),
  forge_wait_since_ms: z.number().nullable(),
  refusal: z.string().nullable(),
  transcript_state: z.enum(["archived", "deleted"]).nullable(),
  created_at_ms: z.number(),
  started_at_ms: z.number().nullable(),
  ended_at_ms: z.number().nullable(),
});
export type Run = z.infer<typeof Run>;

/** The run whose branch and pull request this one works on: its own, or the one that it follows up. */
export function branchRunOf(run: Pick<Run, "id" | "branch_run_id">): RunId {
  return run.branch_run_id ?? run.id;
}

/** What is read of a run; its prompt, which may be large, is not. */
export const RUN_COLUMNS = Object.keys(Run.shape) as (keyof Run)[];

export type RunRow = Pick<Row<"runs">, keyof Run>;

/** A row of the database as a run. @throws ZodError when it is none, which is a fault of ours */
export function parseRun(row: RunRow): Run {
  return Run.parse(row);
}

/** How a run stands once its result is known and its commits are counted. */
export interface Ending {
  status: "succeeded" | "failed" | "canceled" | "waiting";
  reason: RunReason;
  detail: string | null;
}

/**
 * Decides the end of a run. Commits of an attempt that failed stay on the run's branch; only an attempt that the
 * agent itself ended asks for review.
 * @param commits commits on the run's branch above its base, counted by the server
 * @param short the budget that refused the run's last call, as the broker wrote it down; what the agent says of budgets is not believed
 */
export function decideEnding(
  result: AttemptResult,
  commits: number,
  cancelRequested: boolean,
  short: BudgetShort | null,
): Ending {
  if (cancelRequested || result.failure?.reason === "canceled") {
    return { status: "canceled", reason: "canceled", detail: null };
  }
  if (result.failure !== null) return endingOfFailure(result.attempt, result.failure, short);
  switch (result.outcome) {
    case "completed":
      return { status: "succeeded", reason: commits > 0 ? "completed" : "no_changes", detail: null };
    case "blocked":
      return {
        status: "failed",
        reason: "blocked",
        detail: "The agent says that it cannot go on; its summary tells why.",
      };
    case "needs_info":
      return {
        status: "waiting",
        reason: "needs_info",
        detail: "The agent asked a question. Reply on the item to go on.",
      };
    case null:
      return {
        status: "failed",
        reason: "no_finish",
        detail: "The agent ended without saying how its work ended.",
      };
  }
}

/** How agents end when their model is refused: ours says `budget`, others just fail. */
const ENDS_OF_REFUSED: readonly RunReason[] = ["budget", "agent_failed", "no_finish"];

function endingOfFailure(
  attempt: number,
  failure: NonNullable<AttemptResult["failure"]>,
  short: BudgetShort | null,
): Ending {
  if (short?.attempt === attempt && ENDS_OF_REFUSED.includes(failure.reason))
    return { status: "waiting", reason: "budget", detail: describeShort(short) };
  return { status: "failed", ...failure };
}

/** Whether the commits of a run are put up for review. Those of a run that waits for an answer are not final: they stay on its branch. */
export function wantsPullRequest(result: AttemptResult, commits: number): boolean {
  return (
    commits > 0 && result.failure === null && (result.outcome === "completed" || result.outcome === "blocked")
  );
}
