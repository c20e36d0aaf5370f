import { Fallbacks } from "@windshift/contract/api/binding.ts";
import { BindingBudget, Budget } from "@windshift/contract/budget.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import { RunLimits } from "@windshift/contract/job.ts";
import type { TriggerKind } from "@windshift/contract/run.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { describeUnpriced, pricesOf } from "../models/model.ts";
import { findModelRow } from "../models/model-store.ts";
import { tellRunQueued } from "../notifications/run-news.ts";
import { getLocalPoolId, isPoolOpenTo } from "../pools/pool-store.ts";
import { freezeSkills } from "../skills/run-skill-store.ts";
import { Grants, NO_GRANTS } from "./grants.ts";
import { findLlmConnection, listRunModels, type ModelTarget } from "./run-models.ts";
import { insertRun } from "./run-store.ts";

export interface RunRequest {
  workspaceId: number;
  workItemId: number;
  agentUserId: string;
  trigger: TriggerKind;
  requestedBy: string;
  /** The run whose branch and pull request this one continues. */
  branchRunId?: RunId | undefined;
  /** What the person chose for this one run in place of what the binding says. */
  chosen?: { model?: string | undefined; baseBranch?: string | undefined } | undefined;
}

/** Settings that a new run's grants may fall back on. */
export interface RunDefaults {
  /** CODING_AGENT_LLM_MODEL */
  llmModel: string | undefined;
}

/**
 * Freezes the grants of a run and queues it. What cannot start is still a run: it is stored as failed with the reason
 * and what to do, so that a person sees it on the item. Call it only when the agent has no active run on the item.
 */
export async function createRun(
  database: Database,
  tx: Queries,
  request: RunRequest,
  defaults: RunDefaults,
): Promise<RunId> {
  const binding = await tx
    .selectFrom("bindings")
    .selectAll()
    .where("workspace_id", "=", request.workspaceId)
    .where("agent_user_id", "=", request.agentUserId)
    .executeTakeFirst();
  const grants = await freezeGrants(tx, request, binding, defaults);
  const now = dbNowMs(database.engine);
  const refused = grants.kind === "refused";
  const labels: string[] = JSON.parse(binding?.labels ?? "[]");
  const run = await insertRun(tx, {
    workspace_id: request.workspaceId,
    work_item_id: request.workItemId,
    agent_user_id: request.agentUserId,
    binding_id: binding?.id ?? null,
    pool_id: binding?.pool_id ?? (await getLocalPoolId(tx)),
    trigger_kind: request.trigger,
    requested_by: request.requestedBy,
    status: refused ? "failed" : "queued",
    reason: refused ? "misconfigured" : null,
    detail: refused ? grants.why : null,
    grants: refused ? NO_GRANTS : JSON.stringify(grants.grants),
    prompt: "",
    branch_run_id: request.branchRunId ?? null,
    labels: JSON.stringify(labels),
    created_at_ms: now,
    ended_at_ms: refused ? now : null,
  });
  if (binding !== undefined && !refused) await freezeSkills(tx, run, binding.id);
  await tellRunQueued(database, tx, run);
  if (labels.length > 0)
    await tx
      .insertInto("run_labels")
      .values(labels.map((label) => ({ run_id: run, label })))
      .execute();
  return run;
}

type Frozen = { kind: "granted"; grants: Grants } | { kind: "refused"; why: string };

async function freezeGrants(
  tx: Queries,
  request: RunRequest,
  binding: Row<"bindings"> | undefined,
  defaults: RunDefaults,
): Promise<Frozen> {
  if (binding === undefined)
    return refused(
      "This agent has no binding in the workspace. An admin must bind it to a repository and a model.",
    );
  if (binding.enabled === 0 && request.trigger !== "test")
    return refused("The binding of this agent is disabled. An admin can enable it.");
  if (!(await isPoolOpenTo(tx, binding.pool_id, request.workspaceId)))
    return refused(
      "The runner pool of this agent's binding is not open to this workspace any more. An administrator can open it, or an admin choose another.",
    );
  const followed = await followedGrants(tx, request);
  const repository = await tx
    .selectFrom("repositories")
    .selectAll()
    .where("id", "=", followed?.repository_id ?? binding.repository_id)
    .where("workspace_id", "=", request.workspaceId)
    .executeTakeFirst();
  if (repository === undefined)
    return refused("The repository of this agent's binding is gone. An admin must choose another.");
  const llm = await findLlmConnection(tx, request.workspaceId, binding.llm_connection_id);
  if (llm === undefined)
    return refused(
      "No LLM connection is set for this agent. An admin must add one and choose it in the binding.",
    );
  const choice = await chooseModel(tx, binding, request.chosen?.model, defaults, llm.id);
  if (typeof choice === "string") return refused(choice);
  const { first, fallbacks } = choice;
  const budget = BindingBudget.parse(JSON.parse(binding.budget));
  const targets = [first, ...fallbacks];
  const problem = await findProblem(tx, request.workspaceId, targets, budget);
  if (problem !== undefined) return refused(problem);
  return {
    kind: "granted",
    grants: Grants.parse({
      repository_id: repository.id,
      owner: repository.owner,
      repo: repository.name,
      base_branch: followed?.base_branch ?? request.chosen?.baseBranch ?? binding.base_branch,
      ...first,
      instructions: binding.instructions,
      image: binding.image,
      limits: RunLimits.parse(JSON.parse(binding.limits)),
      fallbacks,
      push_policy: JSON.parse(binding.push_policy),
      chosen: request.chosen,
      push: request.trigger !== "test",
      outside_comments: binding.outside_comments === 1,
      budget: budget.run,
    }),
  };
}

/** The model that the run calls first and those that it falls back on; or why there is none. */
async function chooseModel(
  tx: Queries,
  binding: Row<"bindings">,
  wanted: string | undefined,
  defaults: RunDefaults,
  own: number,
): Promise<{ first: ModelTarget; fallbacks: ModelTarget[] } | string> {
  const fallbacks: ModelTarget[] = Fallbacks.parse(JSON.parse(binding.fallbacks));
  const model = binding.model ?? defaults.llmModel;
  if (wanted === undefined || wanted === model) {
    if (model !== undefined) return { first: { llm_connection_id: own, model }, fallbacks };
    return "The binding names no model and CODING_AGENT_LLM_MODEL is not set on the server. Set one of them.";
  }
  const first = (await listRunModels(tx, binding, defaults)).find((target) => target.model === wanted);
  if (first === undefined) return `The agent has no model ${wanted} any more. Choose another.`;
  return { first, fallbacks: fallbacks.filter((one) => one.model !== wanted) };
}

/** Why one of the models may not be called, if so. */
async function findProblem(
  tx: Queries,
  workspaceId: number,
  targets: readonly { llm_connection_id: number; model: string }[],
  budget: BindingBudget,
): Promise<string | undefined> {
  const workspace = await tx
    .selectFrom("workspaces")
    .select("budget")
    .where("id", "=", workspaceId)
    .executeTakeFirstOrThrow();
  const all = [budget.run, budget.month, Budget.parse(JSON.parse(workspace.budget))];
  const countsCost = all.some(({ cost_micros_max }) => cost_micros_max !== null);
  for (const { llm_connection_id: id, model } of targets) {
    if ((await findLlmConnection(tx, workspaceId, id)) === undefined)
      return `The LLM connection of the fallback ${model} is gone. An admin must choose another in the binding.`;
    if (countsCost && pricesOf(await findModelRow(tx, id, model)) === null) return describeUnpriced(model);
  }
  return undefined;
}

/** A branch stays where it is, although the binding may point elsewhere by now. */
async function followedGrants(
  tx: Queries,
  { branchRunId, workspaceId }: RunRequest,
): Promise<Pick<Grants, "repository_id" | "base_branch"> | undefined> {
  if (branchRunId === undefined) return undefined;
  const row = await tx
    .selectFrom("runs")
    .select("grants")
    .where("id", "=", branchRunId)
    .where("workspace_id", "=", workspaceId)
    .executeTakeFirst();
  return row === undefined ? undefined : (Grants.nullable().parse(JSON.parse(row.grants)) ?? undefined);
}

function refused(why: string): Frozen {
  return { kind: "refused", why };
}
