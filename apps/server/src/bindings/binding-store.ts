import { Binding } from "@windshift/contract/api/binding.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Database, Queries } from "../db/database.ts";
import type { NewRow, Row } from "../db/schema.ts";
import type { Scope } from "../http/access.ts";
import { isoTime } from "../http/json.ts";
import { parseRowId } from "../http/params.ts";

/** Scope of paths with a `{binding}`. */
export const bindingScope: Scope = async (db, params) => {
  const id = parseRowId(params.binding);
  const row = id === undefined ? undefined : await findBindingRow(db, id);
  return row && { workspaceId: row.workspace_id };
};

function findBindingRow(db: Queries, id: number): Promise<Row<"bindings"> | undefined> {
  return db.selectFrom("bindings").selectAll().where("id", "=", id).executeTakeFirst();
}

/** @throws AppError `not_found` */
export async function getBindingRow(db: Queries, id: number): Promise<Row<"bindings">> {
  const row = await findBindingRow(db, id);
  if (row === undefined) throw new AppError("not_found", `binding ${id} does not exist`);
  return row;
}

/**
 * Reads a binding to change it; in PostgreSQL it stays as it is until the transaction ends.
 * @throws AppError `not_found`
 */
export async function lockBindingRow(database: Database, tx: Queries, id: number): Promise<Row<"bindings">> {
  const select = tx.selectFrom("bindings").selectAll().where("id", "=", id);
  const row = await (database.engine === "postgres" ? select.forUpdate() : select).executeTakeFirst();
  if (row === undefined) throw new AppError("not_found", `binding ${id} does not exist`);
  return row;
}

/** Bindings of a workspace by agent name, or the one with this id. */
export async function listBindings(
  db: Queries,
  of: { workspaceId: number } | { id: number },
): Promise<Binding[]> {
  const rows = await db
    .selectFrom("bindings")
    .innerJoin("user", "user.id", "bindings.agent_user_id")
    .innerJoin("pools", "pools.id", "bindings.pool_id")
    .selectAll("bindings")
    .select(["user.name as agent_name", "user.kind as agent_kind", "pools.name as pool_name"])
    .where((eb) =>
      "id" in of ? eb("bindings.id", "=", of.id) : eb("bindings.workspace_id", "=", of.workspaceId),
    )
    .orderBy("user.name")
    .orderBy("bindings.id")
    .execute();
  const skills = await listSkillIds(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) =>
    Binding.parse({
      id: row.id,
      agent: { id: row.agent_user_id, name: row.agent_name, kind: row.agent_kind },
      repository_id: row.repository_id,
      base_branch: row.base_branch,
      llm_connection_id: row.llm_connection_id,
      model: row.model,
      instructions: row.instructions,
      limits: JSON.parse(row.limits),
      fallbacks: JSON.parse(row.fallbacks),
      budget: JSON.parse(row.budget),
      push_policy: JSON.parse(row.push_policy),
      image: row.image,
      pool: row.pool_name,
      labels: JSON.parse(row.labels),
      skill_ids: skills.get(row.id) ?? [],
      outside_comments: row.outside_comments === 1,
      enabled: row.enabled === 1,
      created_at: isoTime(row.created_at_ms),
    }),
  );
}

/** By binding, in the order of the prompt. */
async function listSkillIds(db: Queries, bindings: readonly number[]): Promise<Map<number, number[]>> {
  if (bindings.length === 0) return new Map();
  const rows = await db
    .selectFrom("binding_skills")
    .innerJoin("skills", "skills.id", "binding_skills.skill_id")
    .select(["binding_id", "skill_id"])
    .where("binding_id", "in", bindings)
    .where("skills.deleted_at_ms", "is", null)
    .orderBy("position")
    .execute();
  const byBinding = Map.groupBy(rows, ({ binding_id }) => binding_id);
  return new Map([...byBinding].map(([id, of]) => [id, of.map(({ skill_id }) => skill_id)]));
}

/**
 * Gives a binding these skills in place of those it has.
 * @throws AppError `invalid_input` when one is not in the library of the workspace
 */
export async function setSkills(
  tx: Queries,
  binding: { id: number; workspaceId: number },
  skills: readonly number[],
): Promise<void> {
  const known = await tx
    .selectFrom("skills")
    .select("id")
    .where("workspace_id", "=", binding.workspaceId)
    .where("deleted_at_ms", "is", null)
    .execute();
  const ids = new Set(known.map(({ id }) => id));
  const unknown = skills.findIndex((id) => !ids.has(id));
  if (unknown >= 0) {
    const path = `skill_ids.${unknown}`;
    const message = "not a skill of this workspace; see the list of skills";
    throw new AppError("invalid_input", `${path}: ${message}`, { details: [{ path, message }] });
  }
  await tx.deleteFrom("binding_skills").where("binding_id", "=", binding.id).execute();
  if (skills.length === 0) return;
  const rows = skills.map((skill_id, position) => ({ binding_id: binding.id, skill_id, position }));
  await tx.insertInto("binding_skills").values(rows).execute();
}

/** @throws AppError `conflict` when the agent has a binding in the workspace */
export async function insertBinding(tx: Queries, row: NewRow<"bindings">): Promise<number> {
  const made = await tx
    .insertInto("bindings")
    .values(row)
    .onConflict((oc) => oc.columns(["workspace_id", "agent_user_id"]).doNothing())
    .returning("id")
    .executeTakeFirst();
  if (made === undefined) {
    throw new AppError("conflict", "this agent has a binding in the workspace already; change that one");
  }
  return made.id;
}

/** By its name. @returns undefined when there is no such pool */
export async function findPoolId(db: Queries, name: string): Promise<number | undefined> {
  return (await db.selectFrom("pools").select("id").where("name", "=", name).executeTakeFirst())?.id;
}
