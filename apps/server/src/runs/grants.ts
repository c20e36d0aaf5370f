import { BranchName } from "@windshift/contract/branch-name.ts";
import { Budget } from "@windshift/contract/budget.ts";
import { ImageReference, RepositoryOwner, RepositorySlug, RunLimits } from "@windshift/contract/job.ts";
import { PushPolicy } from "@windshift/contract/push-policy.ts";
import { z } from "zod";
import type { Queries } from "../db/database.ts";

/**
 * What one run may do, frozen when it is queued: later edits of the binding change later runs only. The pushable
 * branch is not listed because it follows from the run's id.
 */
export const Grants = z.object({
  repository_id: z.int().positive(),
  owner: RepositoryOwner,
  repo: RepositorySlug,
  base_branch: BranchName,
  llm_connection_id: z.int().positive(),
  model: z.string().min(1).max(200),
  instructions: z.string(),
  image: ImageReference.nullable(),
  limits: RunLimits,
  /** Models to try in this order when the first one fails before it answers. */
  fallbacks: z
    .array(z.object({ llm_connection_id: z.int().positive(), model: z.string().min(1).max(200) }))
    .default([]),
  push_policy: PushPolicy.prefault({}),
  /** What the person who asked chose in place of what the binding says: a run that follows on unread messages has it too. */
  chosen: z.object({ model: z.string().optional(), baseBranch: z.string().optional() }).optional(),
  /** False for a test run: its git token pushes nothing, and its job is told not to try. */
  push: z.boolean().default(true),
  /** Whether comments by people who are not in the workspace stand in the prompt. */
  outside_comments: z.boolean().default(false),
  /** Budget of this run; those of binding and workspace are looked up when they are needed. */
  budget: Budget.prefault({}),
});
export type Grants = z.infer<typeof Grants>;

/** Whether the agent of a run reads comments by people who are not in its workspace (PI-04). */
export async function hearsOutside(db: Queries, run: number): Promise<boolean> {
  const row = await db.selectFrom("runs").select("grants").where("id", "=", run).executeTakeFirst();
  return row !== undefined && Grants.nullable().parse(JSON.parse(row.grants))?.outside_comments === true;
}

/** Grants of a run that was refused before it had any. */
export const NO_GRANTS = "null";
