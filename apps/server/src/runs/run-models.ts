import { Fallbacks } from "@windshift/contract/api/binding.ts";
import type { Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { RunDefaults } from "./run-create.ts";

/** A model by the connection it is reached through. */
export interface ModelTarget {
  llm_connection_id: number;
  model: string;
}

type Bound = Pick<Row<"bindings">, "workspace_id" | "llm_connection_id" | "model" | "fallbacks">;

/**
 * What a run of a binding may be given: first the binding's own models, then those that their connections list; a name that
 * several connections have, once.
 */
export async function listRunModels(
  db: Queries,
  binding: Bound,
  defaults: RunDefaults,
): Promise<ModelTarget[]> {
  return (await readRunModels(db, [binding], defaults))(binding);
}

/** The same of several bindings of one workspace, with as many statements as for one. */
export async function readRunModels<T extends Bound>(
  db: Queries,
  bindings: readonly T[],
  defaults: RunDefaults,
): Promise<(binding: T) => ModelTarget[]> {
  const connections = await listLlmConnections(db, [...new Set(bindings.map((one) => one.workspace_id))]);
  const reached = new Map(bindings.map((one) => [one, reachOf(one, connections, defaults)]));
  const listed = await listModels(db, [...new Set([...reached.values()].flatMap((one) => one.connections))]);
  return (binding) => {
    const { own, connections: of } = reached.get(binding) ?? reachOf(binding, connections, defaults);
    const more = of.flatMap((id) => listed.get(id) ?? []);
    const all = [...own, ...more];
    return all.filter((target, at) => all.findIndex((other) => other.model === target.model) === at);
  };
}

/** The binding's own models, and the connections whose models it may be given, best first. */
function reachOf(
  binding: Bound,
  llm: readonly { id: number; workspace_id: number }[],
  defaults: RunDefaults,
): { own: ModelTarget[]; connections: number[] } {
  const { workspace_id, llm_connection_id: chosen } = binding;
  const first = llm.find(
    (one) => one.workspace_id === workspace_id && (chosen === null || one.id === chosen),
  );
  const model = binding.model ?? defaults.llmModel;
  const fallbacks: ModelTarget[] = Fallbacks.parse(JSON.parse(binding.fallbacks));
  const target = first !== undefined && model !== undefined ? [{ llm_connection_id: first.id, model }] : [];
  const ids = [...(first === undefined ? [] : [first.id]), ...fallbacks.map((one) => one.llm_connection_id)];
  return { own: [...target, ...fallbacks], connections: [...new Set(ids)] };
}

async function listLlmConnections(db: Queries, workspaces: readonly number[]) {
  if (workspaces.length === 0) return [];
  const query = db.selectFrom("connections").select(["id", "workspace_id"]).where("kind", "=", "llm");
  return query.where("workspace_id", "in", workspaces).orderBy("id").execute();
}

/** By their connections, each by name. */
async function listModels(db: Queries, connections: readonly number[]): Promise<Map<number, ModelTarget[]>> {
  if (connections.length === 0) return new Map();
  const rows = await db
    .selectFrom("models")
    .select(["connection_id as llm_connection_id", "model"])
    .where("connection_id", "in", connections)
    .orderBy("model")
    .execute();
  return Map.groupBy(rows, ({ llm_connection_id }) => llm_connection_id);
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
