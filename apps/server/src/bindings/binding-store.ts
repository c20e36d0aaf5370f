import { Binding } from "@windshift/contract/api/binding.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Queries } from "../db/database.ts";
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
      enabled: row.enabled === 1,
      created_at: isoTime(row.created_at_ms),
    }),
  );
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

export async function findPoolId(db: Queries, name: string): Promise<number | undefined> {
  return (await db.selectFrom("pools").select("id").where("name", "=", name).executeTakeFirst())?.id;
}
