import { NewView, SavedView, ViewList, ViewPatch } from "@windshift/contract/api/view.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Context } from "hono";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { type ApiEnv, grantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { parseRowId } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import { changeView, createView, deleteView, findView, getView, listViews, viewScope } from "./view-store.ts";

const KeyParams = z.object({ key: z.string() });
const ViewParams = z.object({ view: z.string() });

/** Saved views. Everybody keeps their own; members may share one with the workspace. */
export function addViewRoutes(table: RouteTable, { database }: { database: Database }): void {
  const db = database.kysely;
  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/views",
      access: { role: "viewer", in: workspaceScope },
      summary: "The caller's saved views and those that are shared",
      request: { params: KeyParams },
      responses: { 200: jsonReply(ViewList, "By name") },
    },
    async (c) => c.json({ views: await listViews(db, grantOf(c).workspaceId, personOf(c).userId) }, 200),
  );
  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/views",
      access: { role: "viewer", in: workspaceScope },
      summary: "Save a view",
      request: { params: KeyParams, body: jsonBody(NewView) },
      responses: { 201: jsonReply(SavedView, "The view") },
    },
    async (c) => {
      const view = c.req.valid("json");
      requireSharer(c, view.shared);
      const { workspaceId } = grantOf(c);
      const id = await createView(database, { workspaceId, ownerId: personOf(c).userId }, view);
      return c.json(await getView(db, id), 201);
    },
  );
  table.add(
    {
      method: "patch",
      path: "/api/v1/views/{view}",
      access: { role: "viewer", in: viewScope },
      summary: "Change a saved view",
      request: { params: ViewParams, body: jsonBody(ViewPatch) },
      responses: { 200: jsonReply(SavedView, "The view now") },
    },
    async (c) => {
      const id = await requireOwnView(c);
      const patch = c.req.valid("json");
      requireSharer(c, patch.shared ?? false);
      await changeView(db, id, patch);
      return c.json(await getView(db, id), 200);
    },
  );
  table.add(
    {
      method: "delete",
      path: "/api/v1/views/{view}",
      access: { role: "viewer", in: viewScope },
      summary: "Delete a saved view",
      request: { params: ViewParams },
      responses: { 200: jsonReply(ViewList, "The views there are") },
    },
    async (c) => {
      await deleteView(db, await requireOwnView(c));
      return c.json({ views: await listViews(db, grantOf(c).workspaceId, personOf(c).userId) }, 200);
    },
  );

  /** @throws AppError `not_found` for what the caller does not see, `forbidden` for what is somebody else's */
  async function requireOwnView(c: Context<ApiEnv>): Promise<number> {
    const id = parseRowId(c.req.param("view"));
    const view = id === undefined ? undefined : await findView(db, id);
    const own = view?.owner_id === personOf(c).userId;
    if (view === undefined || (!own && view.shared === 0)) throw new AppError("not_found", "not found");
    if (!own && grantOf(c).role !== "admin")
      throw new AppError("forbidden", "only its owner or an admin of the workspace may change a view");
    return view.id;
  }
}

function requireSharer(c: Context<ApiEnv>, shared: boolean): void {
  if (shared && grantOf(c).role === "viewer")
    throw new AppError("forbidden", "sharing a view needs the role member in the workspace; yours is viewer");
}
