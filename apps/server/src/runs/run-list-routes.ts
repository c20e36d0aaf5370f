import { AgentRunPage } from "@windshift/contract/api/run.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { RunStatus, TriggerKind } from "@windshift/contract/run.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import type { Scope } from "../http/access.ts";
import { grantOf, personOf } from "../http/api-env.ts";
import { jsonReply } from "../http/json.ts";
import { CursorParam, LimitParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { listRuns } from "./run-list.ts";

/** Several values by repetition. */
const Statuses = z
  .union([z.array(RunStatus).max(RunStatus.options.length), RunStatus])
  .transform((found): RunStatus[] => (Array.isArray(found) ? found : [found]))
  .optional();
const ListQuery = z.strictObject({
  status: Statuses,
  agent: z.string().max(64).optional(),
  /** Without it, all but `test`. */
  trigger: TriggerKind.optional(),
  before: CursorParam,
  limit: LimitParam,
});
const tags = ["runs"];

/** @param workspaceScope finds the workspace of the path */
export function addRunListRoutes(
  table: RouteTable,
  { database, workspaceScope }: { database: Database; workspaceScope: Scope },
): void {
  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/agent-runs",
      access: { role: "viewer", in: workspaceScope },
      tags,
      summary: "Runs of the workspace, newest first",
      request: { params: z.object({ key: z.string() }), query: ListQuery },
      responses: { 200: jsonReply(AgentRunPage, "A page of them; test runs only by `trigger=test`") },
    },
    async (c) => {
      const { workspaceId, role } = grantOf(c);
      if (c.req.valid("query").trigger === "test" && role !== "admin")
        throw new AppError("forbidden", "test runs are private: admins of the workspace list them");
      return c.json(await listRuns(database, { ...c.req.valid("query"), of: { workspaceId } }), 200);
    },
  );
  table.add(
    {
      method: "get",
      path: "/api/v1/agent-runs",
      access: "person",
      tags,
      summary: "Runs that the caller asked for, in all their workspaces, newest first",
      request: { query: ListQuery },
      responses: { 200: jsonReply(AgentRunPage, "A page of them; test runs only by `trigger=test`") },
    },
    async (c) => {
      const requestedBy = personOf(c).userId;
      return c.json(await listRuns(database, { ...c.req.valid("query"), of: { requestedBy } }), 200);
    },
  );
}
