import type { RunChoices } from "@windshift/contract/api/run.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { BranchName } from "@windshift/contract/branch-name.ts";
import type { Database } from "../db/database.ts";
import type { RunDefaults } from "./run-create.ts";
import { listRunModels } from "./run-models.ts";

export interface WishPorts {
  database: Database;
  defaults: RunDefaults;
  /** Commit of a branch, wherever the repository lives; null when there is none. */
  readBranch(repositoryId: number, branch: string): Promise<string | null>;
}

export interface Wish {
  workspaceId: number;
  agentUserId: string;
  run: Pick<RunChoices, "model" | "base_branch">;
}

/**
 * Looks whether an agent can be given what a person chose for one run. The forge may be asked, so this is no work for a transaction.
 * @param at what the fields of the wish stand under in the request, such as `run.`
 * @throws AppError `invalid_input` that names the field and what there is
 */
export async function checkWish(ports: WishPorts, wish: Wish, at: string): Promise<void> {
  const { model, base_branch } = wish.run;
  if (model === undefined && base_branch === undefined) return;
  const binding = await ports.database.kysely
    .selectFrom("bindings")
    .innerJoin("repositories", "repositories.id", "bindings.repository_id")
    .selectAll("bindings")
    .select(["repositories.owner", "repositories.name"])
    .where("bindings.workspace_id", "=", wish.workspaceId)
    .where("bindings.agent_user_id", "=", wish.agentUserId)
    .executeTakeFirst();
  if (binding === undefined) return; // its run fails and says why
  if (model !== undefined) {
    const models = await listRunModels(ports.database.kysely, binding, ports.defaults);
    if (!models.some((one) => one.model === model))
      throw problem(
        `${at}model`,
        `the agent has no model ${model}; it has ${models.map((one) => one.model).join(", ") || "none"}`,
      );
  }
  if (base_branch === undefined) return;
  const named = `${binding.owner}/${binding.name} has no branch ${base_branch}`;
  const branch = BranchName.safeParse(base_branch);
  if (!branch.success || (await ports.readBranch(binding.repository_id, branch.data)) === null)
    throw problem(`${at}base_branch`, `${named}; push it first or name another`);
}

function problem(path: string, message: string): AppError {
  return new AppError("invalid_input", `${path}: ${message}`, { details: [{ path, message }] });
}
