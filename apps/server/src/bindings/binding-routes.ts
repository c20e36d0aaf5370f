import { Binding, BindingPatch, NewBinding } from "@windshift/contract/api/binding.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import type { Queries } from "../db/database.ts";
import { grantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { RowIdParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import { type BindingPorts, changeBinding, createBinding, deleteBinding } from "./binding.ts";
import { bindingScope, listBindings } from "./binding-store.ts";

const KeyParams = z.object({ key: z.string() });
const BindingParams = z.object({ binding: RowIdParam });
const BindingList = z.object({ bindings: z.array(Binding) });

export interface BindingRoutePorts extends BindingPorts {
  /** Told when the budget of a binding was changed: runs may wait for it. */
  budgetChanged(binding: number): Promise<void>;
}

/** Bindings of agents to a workspace, for its administrators. */
export function addBindingRoutes(table: RouteTable, ports: BindingRoutePorts): void {
  const db = ports.database.kysely;
  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/bindings",
      access: { role: "admin", in: workspaceScope },
      summary: "Bind an agent user to a repository and a model",
      request: { params: KeyParams, body: jsonBody(NewBinding) },
      responses: { 201: jsonReply(Binding, "The binding") },
    },
    async (c) => {
      const wanted = { ...c.req.valid("json"), workspaceId: grantOf(c).workspaceId, by: personOf(c).userId };
      return c.json(await showBinding(db, await createBinding(ports, wanted)), 201);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/bindings",
      access: { role: "viewer", in: workspaceScope },
      summary: "Bindings of the workspace",
      request: { params: KeyParams },
      responses: { 200: jsonReply(BindingList, "By agent name") },
    },
    async (c) => c.json({ bindings: await listBindings(db, grantOf(c)) }, 200),
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/bindings/{binding}",
      access: { role: "viewer", in: bindingScope },
      summary: "One binding",
      request: { params: BindingParams },
      responses: { 200: jsonReply(Binding, "The binding") },
    },
    async (c) => c.json(await showBinding(db, c.req.valid("param").binding), 200),
  );

  table.add(
    {
      method: "patch",
      path: "/api/v1/bindings/{binding}",
      access: { role: "admin", in: bindingScope },
      summary: "Change a binding for later runs",
      request: { params: BindingParams, body: jsonBody(BindingPatch) },
      responses: { 200: jsonReply(Binding, "The binding now") },
    },
    async (c) => {
      const { binding: id } = c.req.valid("param");
      const patch = c.req.valid("json");
      await changeBinding(ports, id, patch, personOf(c).userId);
      if (patch.budget !== undefined) await ports.budgetChanged(id);
      return c.json(await showBinding(db, id), 200);
    },
  );

  table.add(
    {
      method: "delete",
      path: "/api/v1/bindings/{binding}",
      access: { role: "admin", in: bindingScope },
      summary: "Delete a binding; its runs stay",
      request: { params: BindingParams },
      responses: { 204: { description: "Deleted" } },
    },
    async (c) => {
      await deleteBinding(ports, c.req.valid("param").binding, personOf(c).userId);
      return c.body(null, 204);
    },
  );
}

async function showBinding(db: Queries, id: number): Promise<Binding> {
  const [binding] = await listBindings(db, { id });
  if (binding === undefined) throw new AppError("not_found", "not found");
  return binding;
}
