import { AdminUsage, WorkspaceBudget, WorkspaceUsage } from "@windshift/contract/api/usage.ts";
import { z } from "zod";
import { record } from "../audit/audit-store.ts";
import type { Database } from "../db/database.ts";
import { grantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import { BudgetMonth, monthOf } from "./budget-month.ts";
import { readAdminUsage, readWorkspaceUsage } from "./usage.ts";

export interface BudgetRoutePorts {
  database: Database;
  /** Told when the budget of a workspace was changed: runs may wait for it. */
  changed(of: { scope: "workspace"; id: number }): Promise<void>;
}

const KeyParams = z.object({ key: z.string() });
const MonthQuery = z.object({ month: BudgetMonth.optional() });
const admin = { role: "admin", in: workspaceScope } as const;

/** A workspace's budget of the month, and what was used. */
export function addBudgetRoutes(table: RouteTable, ports: BudgetRoutePorts): void {
  const { database } = ports;
  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/usage",
      access: admin,
      summary: "Tokens and cost of a month, per binding",
      request: { params: KeyParams, query: MonthQuery },
      responses: { 200: jsonReply(WorkspaceUsage, "Of the month named, else of this one (UTC)") },
    },
    async (c) => {
      const { month = monthOf(Date.now()) } = c.req.valid("query");
      return c.json(await readWorkspaceUsage(database.kysely, grantOf(c).workspaceId, month), 200);
    },
  );
  table.add(
    {
      method: "get",
      path: "/api/v1/admin/usage",
      access: "instance_admin",
      summary: "Tokens and cost of a month in the whole installation",
      request: { query: MonthQuery },
      responses: { 200: jsonReply(AdminUsage, "Of the month named, else of this one (UTC)") },
    },
    async (c) => {
      const { month = monthOf(Date.now()) } = c.req.valid("query");
      return c.json(await readAdminUsage(database.kysely, month), 200);
    },
  );
  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/budget",
      access: admin,
      summary: "The workspace's budget of a month",
      request: { params: KeyParams },
      responses: { 200: jsonReply(WorkspaceBudget, "Null: no limit") },
    },
    async (c) => c.json(await readBudget(grantOf(c).workspaceId), 200),
  );
  table.add(
    {
      method: "put",
      path: "/api/v1/workspaces/{key}/budget",
      access: admin,
      summary: "Set the workspace's budget of a month; runs that wait for it go on when there is room",
      request: { params: KeyParams, body: jsonBody(WorkspaceBudget) },
      responses: { 200: jsonReply(WorkspaceBudget, "The budget now") },
    },
    async (c) => {
      const { workspaceId } = grantOf(c);
      const budget = c.req.valid("json");
      await database.transaction(async (tx) => {
        await tx
          .updateTable("workspaces")
          .set({ budget: JSON.stringify(budget) })
          .where("id", "=", workspaceId)
          .execute();
        await record(tx, {
          workspaceId,
          actor: { user: personOf(c).userId },
          action: "workspace.budget_set",
          subject: `workspace ${workspaceId}`,
          data: budget,
        });
      });
      await ports.changed({ scope: "workspace", id: workspaceId });
      return c.json(await readBudget(workspaceId), 200);
    },
  );

  async function readBudget(workspaceId: number): Promise<WorkspaceBudget> {
    const row = await database.kysely
      .selectFrom("workspaces")
      .select("budget")
      .where("id", "=", workspaceId)
      .executeTakeFirstOrThrow();
    return WorkspaceBudget.parse(JSON.parse(row.budget));
  }
}
