import { Fallbacks } from "@windshift/contract/api/binding.ts";
import type { Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { RunDefaults } from "./run-create.ts";

/** A model by the connection it is reached through. */
export interface ModelTarget {
  llm_connection_id: number;
  model: string;
}

/**
 * What a run of a binding may be given: first the binding's own models, then those that their connections list; a name that
 * several connections have, once.
 */
export async function listRunModels(
  db: Queries,
  binding: Pick<Row<"bindings">, "workspace_id" | "llm_connection_id" | "model" | "fallbacks">,
  defaults: RunDefaults,
): Promise<ModelTarget[]> {
  const own = await findLlmConnection(db, binding.workspace_id, binding.llm_connection_id);
  const model = binding.model ?? defaults.llmModel;
  const fallbacks: ModelTarget[] = Fallbacks.parse(JSON.parse(binding.fallbacks));
  const first = own !== undefined && model !== undefined ? [{ llm_connection_id: own.id, model }] : [];
  const connections = [
    ...(own === undefined ? [] : [own.id]),
    ...fallbacks.map((one) => one.llm_connection_id),
  ];
  const listed =
    connections.length === 0
      ? []
      : await db
          .selectFrom("models")
          .select(["connection_id", "model"])
          .where("connection_id", "in", connections)
          .orderBy("model")
          .execute();
  const rank = (connection: number) => connections.indexOf(connection);
  const more = listed
    .toSorted((a, b) => rank(a.connection_id) - rank(b.connection_id))
    .map((row) => ({ llm_connection_id: row.connection_id, model: row.model }));
  const all = [...first, ...fallbacks, ...more];
  return all.filter((target, at) => all.findIndex((other) => other.model === target.model) === at);
}

/** The binding's own connection; without one, the workspace's first (INTERFACES section 1, CODING_AGENT_LLM_MODEL). */
export function findLlmConnection(
  db: Queries,
  workspaceId: number,
  chosen: number | null,
): Promise<{ id: number } | undefined> {
  let query = db
    .selectFrom("connections")
    .select("id")
    .where("workspace_id", "=", workspaceId)
    .where("kind", "=", "llm");
  if (chosen !== null) query = query.where("id", "=", chosen);
  return query.orderBy("id").limit(1).executeTakeFirst();
}
