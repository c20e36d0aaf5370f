import { ActivityPage } from "@windshift/contract/api/activity.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { grantOf, itemGrantOf } from "../http/api-env.ts";
import { jsonReply } from "../http/json.ts";
import { CursorParam, LimitParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workItemScope } from "../work-items/work-item-store.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import { listActivity } from "./activity-store.ts";

const ListQuery = z.object({ before: CursorParam, limit: LimitParam });
type Page = z.infer<typeof ListQuery>;

/** Who did what when, of an item and of a workspace. */
export function addActivityRoutes(table: RouteTable, { database }: { database: Database }): void {
  table.add(
    {
      method: "get",
      path: "/api/v1/items/{item}/activity",
      access: { role: "viewer", in: workItemScope },
      summary: "What happened to a work item, newest first",
      request: { params: z.object({ item: z.string() }), query: ListQuery },
      responses: { 200: jsonReply(ActivityPage, "A page of it") },
    },
    async (c) => {
      const { workItemId } = itemGrantOf(c);
      return c.json(await page({ workItemId }, c.req.valid("query")), 200);
    },
  );
  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/activity",
      access: { role: "viewer", in: workspaceScope },
      summary: "What happened in a workspace, newest first",
      request: { params: z.object({ key: z.string() }), query: ListQuery },
      responses: { 200: jsonReply(ActivityPage, "A page of it") },
    },
    async (c) => {
      const { workspaceId } = grantOf(c);
      return c.json(await page({ workspaceId }, c.req.valid("query")), 200);
    },
  );

  async function page(of: Parameters<typeof listActivity>[1], { before, limit }: Page) {
    const activity = await listActivity(database.kysely, of, { before, limit });
    return { activity, next_before: activity.length === limit ? (activity.at(-1)?.id ?? null) : null };
  }
}
