import { AgentRun, AgentRunPage, NewTestRun } from "@windshift/contract/api/run.ts";
import { z } from "zod";
import type { Scope } from "../http/access.ts";
import { personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { CursorParam, LimitParam, RowIdParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { parseRun } from "./run.ts";
import type { RunService } from "./run-service.ts";
import { getRun } from "./run-store.ts";
import { viewRun, viewRuns } from "./run-view.ts";
import { type CreateHiddenItem, startTestRun } from "./test-run.ts";

const Params = z.object({ binding: RowIdParam });
const ListQuery = z.object({ before: CursorParam, limit: LimitParam });
const path = "/api/v1/bindings/{binding}/test-runs";
const tags = ["runs"];

export interface TestRunPorts extends RunService {
  /** Finds the binding of the path. */
  bindingScope: Scope;
  createItem: CreateHiddenItem;
}

/** Private trials of a binding, for admins of its workspace. */
export function addTestRunRoutes(table: RouteTable, ports: TestRunPorts): void {
  const { database } = ports;
  const access = { role: "admin", in: ports.bindingScope } as const;
  table.add(
    {
      method: "post",
      path,
      access,
      tags,
      summary: "Try a binding out: a run that no list shows and that pushes nothing",
      request: { params: Params, body: jsonBody(NewTestRun) },
      responses: { 201: jsonReply(AgentRun, "The run; its patch is there when it has ended") },
    },
    async (c) => {
      const id = await startTestRun(ports, ports.createItem, {
        binding: c.req.valid("param").binding,
        requestedBy: personOf(c).userId,
        instruction: c.req.valid("json").instruction,
      });
      return c.json(await viewRun(database, await getRun(database.kysely, id)), 201);
    },
  );
  table.add(
    {
      method: "get",
      path,
      access,
      tags,
      summary: "Test runs of a binding, newest first",
      request: { params: Params, query: ListQuery },
      responses: { 200: jsonReply(AgentRunPage, "A page of them") },
    },
    async (c) => {
      const { before, limit } = c.req.valid("query");
      let query = database.kysely
        .selectFrom("runs")
        .selectAll()
        .where("binding_id", "=", c.req.valid("param").binding)
        .where("trigger_kind", "=", "test");
      if (before !== undefined) query = query.where("id", "<", before);
      const runs = (await query.orderBy("id", "desc").limit(limit).execute()).map(parseRun);
      const next_before = runs.length === limit ? (runs.at(-1)?.id ?? null) : null;
      return c.json({ runs: await viewRuns(database, runs), next_before }, 200);
    },
  );
}
