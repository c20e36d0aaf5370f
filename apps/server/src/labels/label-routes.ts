import { Label, LabelList, LabelPatch, NewLabel } from "@windshift/contract/api/label.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { grantOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { parseRowId } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import { changeLabel, createLabel, deleteLabel, labelScope, listLabels } from "./label-store.ts";

const KeyParams = z.object({ key: z.string() });
const LabelParams = z.object({ key: z.string(), label: z.string() });

/** Labels of a workspace. Members make and change them; only admins delete one, since that changes every item it is on. */
export function addLabelRoutes(table: RouteTable, { database }: { database: Database }): void {
  const db = database.kysely;
  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/labels",
      access: { role: "viewer", in: workspaceScope },
      summary: "Labels of a workspace",
      request: { params: KeyParams },
      responses: { 200: jsonReply(LabelList, "By name") },
    },
    async (c) => c.json({ labels: await listLabels(db, grantOf(c).workspaceId) }, 200),
  );
  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/labels",
      access: { role: "member", in: workspaceScope },
      summary: "Make a label",
      request: { params: KeyParams, body: jsonBody(NewLabel) },
      responses: { 201: jsonReply(Label, "The label") },
    },
    async (c) => {
      const { workspaceId } = grantOf(c);
      const label = await createLabel(database, workspaceId, c.req.valid("json"));
      await announce(workspaceId);
      return c.json(label, 201);
    },
  );
  table.add(
    {
      method: "patch",
      path: "/api/v1/workspaces/{key}/labels/{label}",
      access: { role: "member", in: labelScope },
      summary: "Change a label's name or colour",
      request: { params: LabelParams, body: jsonBody(LabelPatch) },
      responses: { 200: jsonReply(Label, "The label now") },
    },
    async (c) => {
      const id = labelIdOf(c.req.valid("param").label);
      const { workspaceId } = grantOf(c);
      const label = await changeLabel(database, workspaceId, id, c.req.valid("json"));
      await announce(workspaceId);
      return c.json(label, 200);
    },
  );
  table.add(
    {
      method: "delete",
      path: "/api/v1/workspaces/{key}/labels/{label}",
      access: { role: "admin", in: labelScope },
      summary: "Delete a label and take it off all items",
      request: { params: LabelParams },
      responses: { 200: jsonReply(LabelList, "The labels there are") },
    },
    async (c) => {
      await deleteLabel(db, labelIdOf(c.req.valid("param").label));
      await announce(grantOf(c).workspaceId);
      return c.json({ labels: await listLabels(db, grantOf(c).workspaceId) }, 200);
    },
  );

  /** To those who look at items of the workspace: any of them may show the label. */
  function announce(workspaceId: number): Promise<void> {
    return database.signals.notify(`workspace:${workspaceId}`);
  }
}

function labelIdOf(text: string): number {
  const id = parseRowId(text);
  assert(id !== undefined, "the route's scope found the label");
  return id;
}
