import type { Binding } from "@windshift/contract/api/binding.ts";
import type { Repository } from "@windshift/contract/api/repository.ts";
import { AGENT_TURNS_MAX, RUN_WALL_CLOCK_MS } from "@windshift/contract/limits.ts";
import { countTyped, dollarAmount, dollarsTyped } from "../parts/money-text.ts";

/** People count the time of a run in minutes, the API in ms. */
const MINUTE_MS = 60_000;

/** A binding as its form has it: text in every field. */
export interface BindingTyped {
  repository_id: string;
  base_branch: string;
  /** Empty: the server's own model. */
  llm_connection_id: string;
  model: string;
  fallbacks: { llm_connection_id: string; model: string }[];
  instructions: string;
  minutes: string;
  turns: string;
  run: BudgetTyped;
  month: BudgetTyped;
  ci_files: string;
  protected_files: string;
  secrets: string;
  protected_paths: string;
  image: string;
  pool: string;
  labels: string;
  skill_ids: number[];
  outside_comments: boolean;
  enabled: boolean;
}
export interface BudgetTyped {
  tokens_max: string;
  cost_micros_max: string;
}

export const BINDING_FIELDS = [
  ...[
    "repository_id",
    "base_branch",
    "llm_connection_id",
    "model",
    "instructions",
    "image",
    "pool",
    "labels",
  ],
  ...["limits.wall_clock_ms", "limits.turns", "push_policy.protected_paths", "skill_ids"],
  ...["budget.run.tokens_max", "budget.run.cost_micros_max"],
  ...["budget.month.tokens_max", "budget.month.cost_micros_max"],
  ...[0, 1, 2, 3].flatMap((at) => [`fallbacks.${at}.model`, `fallbacks.${at}.llm_connection_id`]),
];

/** A budget as its fields show it, cost in dollars; no limit is an empty field. */
export function budgetTyped(budget: {
  tokens_max: number | null;
  cost_micros_max: number | null;
}): BudgetTyped {
  return {
    tokens_max: budget.tokens_max?.toString() ?? "",
    cost_micros_max: dollarAmount(budget.cost_micros_max),
  };
}

/** @throws ApiError naming the field below `path` */
export function budgetBody(typed: BudgetTyped, path: string) {
  const prefix = path === "" ? "" : `${path}.`;
  return {
    tokens_max: countTyped(typed.tokens_max, `${prefix}tokens_max`),
    cost_micros_max: dollarsTyped(typed.cost_micros_max, `${prefix}cost_micros_max`),
  };
}

/** What the form of an agent without a binding begins with. */
export function bindingStart(
  repository: Repository | undefined,
  connection: number | undefined,
): BindingTyped {
  return {
    repository_id: repository?.id.toString() ?? "",
    base_branch: "",
    llm_connection_id: connection?.toString() ?? "",
    model: "",
    fallbacks: [],
    instructions: "",
    minutes: String(RUN_WALL_CLOCK_MS / MINUTE_MS),
    turns: String(AGENT_TURNS_MAX),
    run: { tokens_max: "", cost_micros_max: "" },
    month: { tokens_max: "", cost_micros_max: "" },
    ci_files: "refuse",
    protected_files: "flag",
    secrets: "refuse",
    protected_paths: "",
    image: "",
    pool: "local",
    labels: "",
    skill_ids: [],
    outside_comments: false,
    enabled: true,
  };
}

/** A binding as its fields show it: minutes for milliseconds, dollars for micro-dollars, a line each for protected paths. */
export function bindingTyped(binding: Binding): BindingTyped {
  const { limits, push_policy: policy } = binding;
  return {
    repository_id: String(binding.repository_id),
    base_branch: binding.base_branch,
    llm_connection_id: binding.llm_connection_id?.toString() ?? "",
    model: binding.model ?? "",
    fallbacks: binding.fallbacks.map(({ llm_connection_id, model }) => ({
      llm_connection_id: String(llm_connection_id),
      model,
    })),
    instructions: binding.instructions,
    minutes: String(limits.wall_clock_ms / MINUTE_MS),
    turns: String(limits.turns),
    run: budgetTyped(binding.budget.run),
    month: budgetTyped(binding.budget.month),
    ci_files: policy.ci_files,
    protected_files: policy.protected_files,
    secrets: policy.secrets,
    protected_paths: policy.protected_paths.join("\n"),
    image: binding.image ?? "",
    pool: binding.pool,
    labels: binding.labels.join(", "),
    skill_ids: binding.skill_ids,
    outside_comments: binding.outside_comments,
    enabled: binding.enabled,
  };
}

/**
 * The body of the request that makes or changes the binding.
 * @param usualBranch of the repository: what an empty field means, also where another one was set before
 * @throws ApiError naming the field
 */
export function bindingBody(typed: BindingTyped, usualBranch: string | undefined): Record<string, unknown> {
  const minutes = countTyped(typed.minutes, "limits.wall_clock_ms");
  const turns = countTyped(typed.turns, "limits.turns");
  return {
    repository_id: Number(typed.repository_id),
    base_branch: typed.base_branch.trim() || usualBranch,
    llm_connection_id: typed.llm_connection_id === "" ? null : Number(typed.llm_connection_id),
    model: typed.model.trim() === "" ? null : typed.model.trim(),
    fallbacks: typed.fallbacks.map(({ llm_connection_id, model }) => ({
      llm_connection_id: Number(llm_connection_id),
      model: model.trim(),
    })),
    instructions: typed.instructions,
    limits: {
      ...(minutes === null ? {} : { wall_clock_ms: minutes * MINUTE_MS }),
      ...(turns === null ? {} : { turns }),
    },
    budget: {
      run: budgetBody(typed.run, "budget.run"),
      month: budgetBody(typed.month, "budget.month"),
    },
    push_policy: {
      ci_files: typed.ci_files,
      protected_files: typed.protected_files,
      secrets: typed.secrets,
      protected_paths: typed.protected_paths.split("\n").map(trimmed).filter(Boolean),
    },
    image: typed.image.trim() === "" ? null : typed.image.trim(),
    pool: typed.pool.trim(),
    labels: wordsOf(typed.labels),
    skill_ids: typed.skill_ids,
    outside_comments: typed.outside_comments,
    enabled: typed.enabled,
  };
}

/** What somebody typed with commas between. */
export function wordsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

function trimmed(text: string): string {
  return text.trim();
}
