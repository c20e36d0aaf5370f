import { type BindingPatch, Fallbacks, type NewBinding } from "@windshift/contract/api/binding.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { record } from "../audit/audit-store.ts";
import { findConnectionRow } from "../connections/connection-store.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { isPoolOpenTo } from "../pools/pool-store.ts";
import { findRepositoryRow } from "../repositories/repository-store.ts";
import { findMemberKind } from "../workspaces/membership-store.ts";
import { findPoolId, getBindingRow, insertBinding, lockBindingRow, setSkills } from "./binding-store.ts";

export interface BindingPorts {
  database: Database;
  /** Commit of a branch, wherever the repository lives; null when there is none. */
  readBranch(repositoryId: number, branch: string): Promise<string | null>;
}

/** What a binding points at; everything is checked together, so that a change cannot make it contradict itself. */
interface Targets {
  workspaceId: number;
  repositoryId: number;
  baseBranch: string | undefined;
  llmConnectionId: number | null;
  model: string | null;
  fallbacks: Fallbacks;
  pool: string;
}

/** @returns its id */
export async function createBinding(
  ports: BindingPorts,
  wanted: NewBinding & { workspaceId: number; by: string },
): Promise<number> {
  const { workspaceId, agent_user_id } = wanted;
  const found = await checkTargets(ports, {
    workspaceId,
    repositoryId: wanted.repository_id,
    baseBranch: wanted.base_branch,
    llmConnectionId: wanted.llm_connection_id,
    model: wanted.model,
    fallbacks: wanted.fallbacks,
    pool: wanted.pool,
  });
  return ports.database.transaction(async (tx) => {
    if ((await findMemberKind(tx, workspaceId, agent_user_id)) !== "agent") {
      throw problem(
        "agent_user_id",
        "not an agent of this workspace; make one at /workspaces/{key}/agents first",
      );
    }
    const id = await insertBinding(tx, {
      workspace_id: workspaceId,
      agent_user_id,
      repository_id: wanted.repository_id,
      base_branch: found.baseBranch,
      llm_connection_id: wanted.llm_connection_id,
      model: wanted.model,
      instructions: wanted.instructions,
      limits: JSON.stringify(wanted.limits),
      fallbacks: JSON.stringify(wanted.fallbacks),
      budget: JSON.stringify(wanted.budget),
      push_policy: JSON.stringify(wanted.push_policy),
      image: wanted.image,
      pool_id: found.poolId,
      labels: JSON.stringify(wanted.labels),
      outside_comments: wanted.outside_comments ? 1 : 0,
      enabled: wanted.enabled ? 1 : 0,
      created_at_ms: Date.now(),
    });
    await setSkills(tx, { id, workspaceId }, wanted.skill_ids);
    await recordChange(tx, wanted.by, "binding.created", { id, workspace_id: workspaceId });
    return id;
  });
}

/**
 * Changes what the patch names. Runs that exist keep what they were given.
 * @throws AppError `conflict` when somebody else changed meanwhile what this change was checked against
 */
export async function changeBinding(
  ports: BindingPorts,
  id: number,
  patch: BindingPatch,
  by: string,
): Promise<void> {
  const row = await getBindingRow(ports.database.kysely, id);
  const moved = patch.repository_id !== undefined && patch.repository_id !== row.repository_id;
  // Asks a forge, which may take seconds: outside the transaction.
  const found = await checkTargets(ports, {
    workspaceId: row.workspace_id,
    repositoryId: patch.repository_id ?? row.repository_id,
    baseBranch: patch.base_branch ?? (moved ? undefined : row.base_branch),
    llmConnectionId: patch.llm_connection_id === undefined ? row.llm_connection_id : patch.llm_connection_id,
    model: patch.model === undefined ? row.model : patch.model,
    fallbacks: patch.fallbacks ?? Fallbacks.parse(JSON.parse(row.fallbacks)),
    pool: patch.pool ?? (await poolName(ports.database.kysely, row.pool_id)),
  });
  const { repository_id, llm_connection_id, model, instructions, image, limits, enabled } = patch;
  const { fallbacks, budget, push_policy, labels, skill_ids, outside_comments } = patch;
  await ports.database.transaction(async (tx) => {
    await requireAsChecked(ports.database, tx, row);
    await tx
      .updateTable("bindings")
      // One column at least, or there would be no statement.
      .set({ repository_id: repository_id ?? row.repository_id })
      .$if(moved || patch.base_branch !== undefined, (q) => q.set({ base_branch: found.baseBranch }))
      .$if(patch.pool !== undefined, (q) => q.set({ pool_id: found.poolId }))
      .$if(llm_connection_id !== undefined, (q) => q.set({ llm_connection_id }))
      .$if(model !== undefined, (q) => q.set({ model }))
      .$if(instructions !== undefined, (q) => q.set({ instructions }))
      .$if(image !== undefined, (q) => q.set({ image }))
      .$if(limits !== undefined, (q) => q.set({ limits: JSON.stringify(limits) }))
      .$if(fallbacks !== undefined, (q) => q.set({ fallbacks: JSON.stringify(fallbacks) }))
      .$if(budget !== undefined, (q) => q.set({ budget: JSON.stringify(budget) }))
      .$if(push_policy !== undefined, (q) => q.set({ push_policy: JSON.stringify(push_policy) }))
      .$if(labels !== undefined, (q) => q.set({ labels: JSON.stringify(labels) }))
      .$if(enabled !== undefined, (q) => q.set({ enabled: enabled ? 1 : 0 }))
      .$if(outside_comments !== undefined, (q) => q.set({ outside_comments: outside_comments ? 1 : 0 }))
      .where("id", "=", id)
      .execute();
    if (skill_ids !== undefined) await setSkills(tx, { id, workspaceId: row.workspace_id }, skill_ids);
    await recordChange(tx, by, "binding.changed", row, {
      changed: Object.keys(patch).join(" "),
      ...(skill_ids === undefined ? {} : { skill_ids: skill_ids.join(" ") }),
    });
  });
}

/** Deletes a binding; its runs stay, with what they were given. */
export async function deleteBinding(ports: BindingPorts, id: number, by: string): Promise<void> {
  await ports.database.transaction(async (tx) => {
    const row = await getBindingRow(tx, id);
    await tx.deleteFrom("bindings").where("id", "=", id).execute();
    await recordChange(tx, by, "binding.deleted", row);
  });
}

/** What a change is checked against. */
const CHECKED = [
  "repository_id",
  "base_branch",
  "llm_connection_id",
  "model",
  "fallbacks",
  "pool_id",
] as const satisfies (keyof Row<"bindings">)[];

/** Keeps the binding as it is until the transaction ends. @throws AppError `conflict` when it is not as it was checked */
async function requireAsChecked(database: Database, tx: Queries, checked: Row<"bindings">): Promise<void> {
  const now = await lockBindingRow(database, tx, checked.id);
  const changed = CHECKED.filter((column) => now[column] !== checked[column]);
  if (changed.length > 0)
    throw new AppError(
      "conflict",
      `somebody else changed ${changed.join(", ")} of the binding meanwhile; look at it, then try again`,
    );
}

/** @throws AppError `invalid_input`, naming the field and what to do */
async function checkTargets(
  ports: BindingPorts,
  targets: Targets,
): Promise<{ baseBranch: string; poolId: number }> {
  const db = ports.database.kysely;
  const repository = await findRepositoryRow(db, targets.repositoryId);
  if (repository?.workspace_id !== targets.workspaceId) {
    throw problem("repository_id", "not a repository of this workspace; see the list of repositories");
  }
  const baseBranch = targets.baseBranch ?? repository.default_branch;
  if ((await ports.readBranch(repository.id, baseBranch)) === null) {
    const name = `${repository.owner}/${repository.name}`;
    throw problem("base_branch", `${name} has no branch ${baseBranch}; push it first or name another`);
  }
  if (targets.llmConnectionId !== null) {
    const connection = await findConnectionRow(db, targets.llmConnectionId);
    if (connection?.workspace_id !== targets.workspaceId || connection.kind !== "llm") {
      throw problem("llm_connection_id", "not an LLM connection of this workspace; add one first");
    }
    if (targets.model === null) throw problem("model", "name a model that the LLM connection offers");
  }
  await checkFallbacks(db, targets);
  const poolId = await findPoolId(db, targets.pool);
  if (poolId === undefined)
    throw problem("pool", `there is no pool ${targets.pool}; the server's own is local`);
  if (!(await isPoolOpenTo(db, poolId, targets.workspaceId)))
    throw problem(
      "pool",
      `the pool ${targets.pool} is not open to this workspace; an administrator can open it`,
    );
  return { baseBranch, poolId };
}

/** Each names an LLM connection of the workspace, and nothing that comes before it. */
async function checkFallbacks(db: Queries, targets: Targets): Promise<void> {
  const seen = new Set([`${targets.llmConnectionId} ${targets.model}`]);
  for (const [index, { llm_connection_id: id, model }] of targets.fallbacks.entries()) {
    const connection = await findConnectionRow(db, id);
    if (connection?.workspace_id !== targets.workspaceId || connection.kind !== "llm")
      throw problem(`fallbacks.${index}.llm_connection_id`, "not an LLM connection of this workspace");
    if (seen.has(`${id} ${model}`))
      throw problem(`fallbacks.${index}.model`, `${model} of this connection is tried already; leave it out`);
    seen.add(`${id} ${model}`);
  }
}

async function poolName(db: Queries, id: number): Promise<string> {
  return (await db.selectFrom("pools").select("name").where("id", "=", id).executeTakeFirstOrThrow()).name;
}

function recordChange(
  tx: Queries,
  by: string,
  action: string,
  row: Pick<Row<"bindings">, "id" | "workspace_id">,
  data: Record<string, string> = {},
): Promise<void> {
  const { id, workspace_id: workspaceId } = row;
  return record(tx, { workspaceId, actor: { user: by }, action, subject: `binding ${id}`, data });
}

function problem(path: string, message: string): AppError {
  return new AppError("invalid_input", `${path}: ${message}`, { details: [{ path, message }] });
}
