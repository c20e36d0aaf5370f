import { AgentRun, AgentRunPage, Rerun } from "@windshift/contract/api/run.ts";
import { z } from "zod";
import type { Access, Scope } from "../http/access.ts";
import { itemGrantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { CursorParam, LimitParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { listRuns } from "./run-list.ts";
import { type RunService, rerunItem } from "./run-service.ts";
import { getRun } from "./run-store.ts";
import { viewRun } from "./run-view.ts";

const Params = z.object({ item: z.string() });

/** Runs of one work item, under `/api/v1/items/{item}/agent-runs`. */
export function addItemRunRoutes(table: RouteTable, service: RunService, itemScope: Scope): void {
  const viewer: Access = { role: "viewer", in: itemScope };
  const member: Access = { role: "member", in: itemScope };
  const path = "/api/v1/items/{item}/agent-runs";
  table.add(
    {
      access: viewer,
      method: "get",
      path,
      tags: ["runs"],
      request: { params: Params, query: z.object({ before: CursorParam, limit: LimitParam }) },
      responses: { 200: jsonReply(AgentRunPage, "A page of the item's runs, newest first") },
    },
    async (c) => {
      const of = { workItemId: itemGrantOf(c).workItemId };
      return c.json(await listRuns(service.database, { ...c.req.valid("query"), of }), 200);
    },
  );
  table.add(
    {
      access: member,
      method: "post",
      path,
      tags: ["runs"],
      request: { params: Params, body: jsonBody(Rerun) },
      responses: {
        201: jsonReply(AgentRun, "The run that was started, or the active one that got the instruction"),
      },
    },
    async (c) => {
      const { workspaceId, workItemId } = itemGrantOf(c);
      const { agent_user_id, instruction, ...wish } = c.req.valid("json");
      const id = await rerunItem(service, {
        workspaceId,
        workItemId,
        requestedBy: personOf(c).userId,
        agentUserId: agent_user_id,
        instruction,
        wish,
      });
      return c.json(await viewRun(service.database, await getRun(service.database.kysely, id)), 201);
    },
  );
}
