import {
  NewWorkItem,
  WorkItemDetail,
  WorkItemPage,
  WorkItemPatch,
  WorkItemStatus,
} from "@windshift/contract/api/work-item.ts";
import { z } from "zod";
import { grantOf, itemGrantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { CursorParam, LimitParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import { changeWorkItem, createWorkItem, readWorkItem, type WorkItemPorts } from "./work-item.ts";
import { listWorkItems, workItemScope } from "./work-item-store.ts";

const KeyParams = z.object({ key: z.string() });
const ItemParams = z.object({ item: z.string() });
const ListQuery = z.object({
  status: WorkItemStatus.optional(),
  assignee_id: z.string().max(64).optional(),
  before: CursorParam,
  limit: LimitParam,
});

export function addWorkItemRoutes(table: RouteTable, ports: WorkItemPorts): void {
  const db = ports.database.kysely;
  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/items",
      access: { role: "member", in: workspaceScope },
      summary: "Make a work item",
      request: { params: KeyParams, body: jsonBody(NewWorkItem) },
      responses: { 201: jsonReply(WorkItemDetail, "The work item") },
    },
    async (c) => {
      const { workspaceId } = grantOf(c);
      const item = { ...c.req.valid("json"), workspaceId, creatorId: personOf(c).userId };
      return c.json(await readWorkItem(db, await createWorkItem(ports, item)), 201);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/items",
      access: { role: "viewer", in: workspaceScope },
      summary: "Work items, newest first",
      request: { params: KeyParams, query: ListQuery },
      responses: { 200: jsonReply(WorkItemPage, "A page of them") },
    },
    async (c) => {
      const { assignee_id: assigneeId, ...query } = c.req.valid("query");
      const items = await listWorkItems(db, grantOf(c).workspaceId, { ...query, assigneeId });
      const last = items.length === query.limit ? items.at(-1) : undefined;
      return c.json({ items, next_before: last ? Number(last.key.split("-")[1]) : null }, 200);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/items/{item}",
      access: { role: "viewer", in: workItemScope, run: "own_item" },
      summary: "One work item",
      request: { params: ItemParams },
      responses: { 200: jsonReply(WorkItemDetail, "The work item") },
    },
    async (c) => c.json(await readWorkItem(db, itemGrantOf(c).workItemId), 200),
  );

  table.add(
    {
      method: "patch",
      path: "/api/v1/items/{item}",
      access: { role: "member", in: workItemScope },
      summary: "Change a work item; assigning it to an agent starts a run",
      request: { params: ItemParams, body: jsonBody(WorkItemPatch) },
      responses: { 200: jsonReply(WorkItemDetail, "The work item now") },
    },
    async (c) => {
      const { workItemId } = itemGrantOf(c);
      await changeWorkItem(ports, workItemId, c.req.valid("json"), personOf(c).userId);
      return c.json(await readWorkItem(db, workItemId), 200);
    },
  );
}
