import { type Agent, AgentList } from "@windshift/contract/api/agent.ts";
import { handleOf } from "@windshift/contract/handle.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import type { Scope } from "../http/access.ts";
import { grantOf } from "../http/api-env.ts";
import { jsonReply } from "../http/json.ts";
import type { RouteTable } from "../http/route-table.ts";
import { availabilityIn, readPoolStates } from "./agent-availability.ts";
import type { RunDefaults } from "./run-create.ts";
import { readRunModels } from "./run-models.ts";

/** @param workspaceScope finds the workspace of the path */
export function addAgentRoutes(
  table: RouteTable,
  {
    database,
    defaults,
    workspaceScope,
  }: { database: Database; defaults: RunDefaults; workspaceScope: Scope },
): void {
  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/agents",
      access: { role: "viewer", in: workspaceScope },
      tags: ["runs"],
      summary: "Agents of the workspace, and whether a run of each would start now",
      request: { params: z.object({ key: z.string() }) },
      responses: { 200: jsonReply(AgentList, "By name") },
    },
    async (c) => c.json({ agents: await listAgents(database, defaults, grantOf(c).workspaceId) }, 200),
  );
}

async function listAgents(database: Database, defaults: RunDefaults, workspaceId: number): Promise<Agent[]> {
  const db = database.kysely;
  const members = await db
    .selectFrom("memberships")
    .innerJoin("user", "user.id", "memberships.user_id")
    .select(["user.id", "user.name"])
    .where("memberships.workspace_id", "=", workspaceId)
    .where("user.kind", "=", "agent")
    .orderBy("user.name")
    .orderBy("user.id")
    .execute();
  const bindings = await db
    .selectFrom("bindings")
    .innerJoin("repositories", "repositories.id", "bindings.repository_id")
    .selectAll("bindings")
    .select(["repositories.owner", "repositories.name as repository"])
    .where("bindings.workspace_id", "=", workspaceId)
    .execute();
  const pools = await readPoolStates(database, [...new Set(bindings.map(({ pool_id }) => pool_id))]);
  const modelsOf = await readRunModels(db, bindings, defaults);
  return members.map(({ id, name }): Agent => {
    const who = { user_id: id, name, handle: handleOf(name) };
    const binding = bindings.find(({ agent_user_id }) => agent_user_id === id);
    const pool = binding && pools.get(binding.pool_id);
    if (binding === undefined || pool === undefined)
      return {
        ...who,
        binding: null,
        ...cannot("unbound", "It is bound to no repository; an admin can bind it."),
      };
    return {
      ...who,
      binding: {
        id: binding.id,
        repository: `${binding.owner}/${binding.repository}`,
        base_branch: binding.base_branch,
        model: binding.model,
        models: modelsOf(binding).map(({ model }) => model),
        pool: pool.name,
      },
      ...(binding.enabled === 0
        ? cannot("disabled", "Its binding is switched off; an admin can switch it on.")
        : availabilityIn(pool, JSON.parse(binding.labels), workspaceId)),
    };
  });
}

function cannot(availability: "unbound" | "disabled", availability_text: string) {
  return { availability, availability_text, places: 0, places_taken: 0, queued: 0 };
}
