import {
  ItemCounts,
  NewWorkItem,
  WorkItemDetail,
  WorkItemPage,
  WorkItemPatch,
} from "@windshift/contract/api/work-item.ts";
import { z } from "zod";
import type { Memberships } from "../http/access.ts";
import { asRead } from "../http/agent-reading.ts";
import { callerOf, grantOf, itemGrantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { mayStillLook } from "../http/live-stream.ts";
import type { CallerPorts } from "../http/principal.ts";
import type { RouteTable } from "../http/route-table.ts";
import { listWorkspaceIds, workspaceScope } from "../workspaces/workspace-store.ts";
import { streamItemChanges } from "./item-changes-stream.ts";
import { countItems, listItems } from "./item-list.ts";
import { ItemFilterParams, ItemListParams, itemQueryOf } from "./item-query.ts";
import { readWorkItem, type WorkItemPorts } from "./work-item.ts";
import { changeAsRun, changeWorkItem } from "./work-item-change.ts";
import { createWorkItem } from "./work-item-create.ts";
import { deleteWorkItem } from "./work-item-delete.ts";
import { workItemScope } from "./work-item-store.ts";

const KeyParams = z.object({ key: z.string() });
const ItemParams = z.object({ item: z.string() });

export interface WorkItemRoutePorts extends WorkItemPorts, CallerPorts {
  memberships: Memberships;
}

/** Work items: lists, search, pages of one, changes and assignments. */
export function addWorkItemRoutes(table: RouteTable, ports: WorkItemRoutePorts): void {
  addListRoutes(table, ports);
  addItemRoutes(table, ports);
}

function addListRoutes(table: RouteTable, ports: WorkItemRoutePorts): void {
  const { database } = ports;
  table.add(
    {
      method: "get",
      path: "/api/v1/items",
      access: "person",
      summary: "Work items of all workspaces the caller is in; `assignee=me` is what is theirs to do",
      request: { query: ItemListParams },
      responses: { 200: jsonReply(WorkItemPage, "A page of them") },
    },
    async (c) => {
      const { sort, order, before, limit, ...params } = c.req.valid("query");
      const { userId } = personOf(c);
      const scope = { userId, workspaceIds: await listWorkspaceIds(database.kysely, userId) };
      const page = { sort, order, before, limit };
      return c.json(await listItems(database, scope, itemQueryOf(params), page), 200);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/items",
      access: { role: "viewer", in: workspaceScope },
      summary: "Work items of a workspace, newest first unless another order is asked for",
      request: { params: KeyParams, query: ItemListParams },
      responses: { 200: jsonReply(WorkItemPage, "A page of them") },
    },
    async (c) => {
      const { sort, order, before, limit, ...params } = c.req.valid("query");
      const scope = { userId: personOf(c).userId, workspaceIds: [grantOf(c).workspaceId] };
      const page = { sort, order, before, limit };
      return c.json(await listItems(database, scope, itemQueryOf(params), page), 200);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/item-counts",
      access: { role: "viewer", in: workspaceScope },
      summary: "How many work items of each status a list's filters find, for the columns of a board",
      request: { params: KeyParams, query: ItemFilterParams },
      responses: { 200: jsonReply(ItemCounts, "By status") },
    },
    async (c) => {
      const scope = { userId: personOf(c).userId, workspaceIds: [grantOf(c).workspaceId] };
      return c.json({ counts: await countItems(database, scope, itemQueryOf(c.req.valid("query"))) }, 200);
    },
  );

  const viewer = { role: "viewer", in: workspaceScope } as const;
  table.mount(["GET"], "/api/v1/workspaces/:key/changes/stream", viewer, (c) => {
    const headers = new Headers(c.req.raw.headers);
    const { workspaceId } = grantOf(c);
    const place = { id: workspaceId, role: "viewer" } as const;
    return streamItemChanges(database, workspaceId, () => mayStillLook(headers, ports, place));
  });
}

function addItemRoutes(table: RouteTable, ports: WorkItemRoutePorts): void {
  const { database } = ports;
  const db = database.kysely;
  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/items",
      access: { role: "member", in: workspaceScope },
      summary: "Make a work item; with an agent as assignee it starts a run",
      request: { params: KeyParams, body: jsonBody(NewWorkItem) },
      responses: { 201: jsonReply(WorkItemDetail, "The work item") },
    },
    async (c) => {
      const { workspaceId } = grantOf(c);
      const { userId } = personOf(c);
      const item = { ...c.req.valid("json"), workspaceId, creatorId: userId };
      return c.json(await readWorkItem(db, await createWorkItem(ports, item), userId), 201);
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
    async (c) => {
      const caller = callerOf(c);
      const viewer = caller.kind === "person" ? caller.userId : undefined;
      return c.json(asRead(await readWorkItem(db, itemGrantOf(c).workItemId, viewer), caller), 200);
    },
  );

  table.add(
    {
      method: "patch",
      path: "/api/v1/items/{item}",
      access: { role: "member", in: workItemScope, run: "own_item" },
      summary: "Change a work item; assigning it to an agent starts a run",
      request: { params: ItemParams, body: jsonBody(WorkItemPatch) },
      responses: { 200: jsonReply(WorkItemDetail, "The work item now") },
    },
    async (c) => {
      const grant = itemGrantOf(c);
      const caller = callerOf(c);
      const patch = c.req.valid("json");
      if (caller.kind === "run") await changeAsRun(ports, caller, patch);
      else await changeWorkItem(ports, grant, patch, caller);
      const viewer = caller.kind === "person" ? caller.userId : undefined;
      return c.json(asRead(await readWorkItem(db, grant.workItemId, viewer), caller), 200);
    },
  );

  table.add(
    {
      method: "delete",
      path: "/api/v1/items/{item}",
      access: { role: "member", in: workItemScope },
      summary: "Delete a work item; for who made it and for admins",
      request: { params: ItemParams },
      responses: { 204: { description: "It is gone" } },
    },
    async (c) => {
      await deleteWorkItem(database, itemGrantOf(c), personOf(c).userId);
      return c.body(null, 204);
    },
  );
}
