import { z } from "zod";
import { BranchName } from "../branch-name.ts";
import { BindingBudget, Budget } from "../budget.ts";
import { ConnectionId, RepositoryId, SkillId, UserId } from "../ids.ts";
import { ImageReference, RunLimits } from "../job.ts";
import { BINDING_SKILLS_MAX, FALLBACKS_MAX, INSTRUCTIONS_CHARS_MAX, MODEL_CHARS_MAX } from "../limits.ts";
import { PushPolicy } from "../push-policy.ts";
import { RunnerLabels } from "../runner.ts";
import { UserRef } from "./user.ts";

/** Model ids as providers write them, such as `gpt-5.1-mini` or `qwen/qwen3:free`. */
export const ModelId = z
  .string()
  .max(MODEL_CHARS_MAX)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$/, "a model id such as gpt-5.1-mini");
const Instructions = z
  .string()
  .max(INSTRUCTIONS_CHARS_MAX)
  .regex(/^[^\0]*$/, "text without NUL characters");

/** Models to try next, in this order, when the one before failed before it answered. */
export const Fallbacks = z
  .array(z.strictObject({ llm_connection_id: ConnectionId, model: ModelId }))
  .max(FALLBACKS_MAX);
export type Fallbacks = z.infer<typeof Fallbacks>;

/** Skills of the workspace, in the order in which the prompt lists them; none twice. */
const SkillIds = z
  .array(SkillId)
  .max(BINDING_SKILLS_MAX)
  .refine((ids) => new Set(ids).size === ids.length, "each skill once");

/** What an agent user works on in a workspace, with what, and how far it may go. */
export const Binding = z.object({
  id: z.int(),
  agent: UserRef,
  repository_id: z.int(),
  base_branch: z.string(),
  /** Null: the server's own CODING_AGENT_LLM_MODEL. */
  llm_connection_id: z.int().nullable(),
  model: z.string().nullable(),
  fallbacks: z.array(z.object({ llm_connection_id: z.int(), model: z.string() })),
  instructions: z.string(),
  limits: RunLimits,
  budget: BindingBudget,
  push_policy: PushPolicy,
  /** Null: the runner's own image. */
  image: z.string().nullable(),
  pool: z.string(),
  labels: z.array(z.string()),
  /** Skills in the order of the prompt; one that is switched off is listed here and left out of runs. */
  skill_ids: z.array(z.int()),
  /** Whether comments by people who are not in the workspace reach the agent, labelled as such (PI-04). */
  outside_comments: z.boolean(),
  enabled: z.boolean(),
  created_at: z.iso.datetime(),
});
export type Binding = z.infer<typeof Binding>;

const StrictBudget = z.strictObject({
  run: Budget.strict().prefault({}),
  month: Budget.strict().prefault({}),
});

export const NewBinding = z.strictObject({
  agent_user_id: UserId,
  repository_id: RepositoryId,
  /** Default: the repository's default branch. */
  base_branch: BranchName.optional(),
  llm_connection_id: ConnectionId.nullable().default(null),
  model: ModelId.nullable().default(null),
  fallbacks: Fallbacks.default([]),
  instructions: Instructions.default(""),
  limits: RunLimits.strict().prefault({}),
  budget: StrictBudget.prefault({}),
  push_policy: PushPolicy.strict().prefault({}),
  image: ImageReference.nullable().default(null),
  pool: z.string().max(100).default("local"),
  /** What the runner has to be able to do: a run waits for one that has all of them. */
  labels: RunnerLabels.default([]),
  skill_ids: SkillIds.default([]),
  outside_comments: z.boolean().default(false),
  enabled: z.boolean().default(true),
});
export type NewBinding = z.infer<typeof NewBinding>;

/** Everything but the agent can be changed. `limits`, `fallbacks`, `budget`, `push_policy` and `skill_ids` are replaced as a whole. Runs that are queued keep what they were given. */
export const BindingPatch = z.strictObject({
  repository_id: RepositoryId.optional(),
  base_branch: BranchName.optional(),
  llm_connection_id: ConnectionId.nullable().optional(),
  model: ModelId.nullable().optional(),
  fallbacks: Fallbacks.optional(),
  instructions: Instructions.optional(),
  limits: RunLimits.strict().optional(),
  budget: StrictBudget.optional(),
  push_policy: PushPolicy.strict().optional(),
  image: ImageReference.nullable().optional(),
  pool: z.string().max(100).optional(),
  labels: RunnerLabels.optional(),
  skill_ids: SkillIds.optional(),
  outside_comments: z.boolean().optional(),
  enabled: z.boolean().optional(),
});
export type BindingPatch = z.infer<typeof BindingPatch>;
