import { Connection, ConnectionPatch, NewConnection } from "@windshift/contract/api/connection.ts";
import { z } from "zod";
import { grantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { RowIdParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import { type ConnectionPorts, changeConnection, createConnection, deleteConnection } from "./connection.ts";
import { connectionScope, getConnectionRow, listConnections, toConnection } from "./connection-store.ts";

const KeyParams = z.object({ key: z.string() });
const ConnectionParams = z.object({ connection: RowIdParam });
const ConnectionList = z.object({ connections: z.array(Connection) });

/** Connections are the admins' affair; secrets go in and never come out (WB-14). */
export function addConnectionRoutes(table: RouteTable, ports: ConnectionPorts): void {
  const db = ports.database.kysely;
  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/connections",
      access: { role: "admin", in: workspaceScope },
      summary: "Add a connection to a model provider or to the server's own git repositories",
      request: { params: KeyParams, body: jsonBody(NewConnection) },
      responses: { 201: jsonReply(Connection, "The connection") },
    },
    async (c) => {
      const wanted = { ...c.req.valid("json"), workspaceId: grantOf(c).workspaceId, by: personOf(c).userId };
      const id = await createConnection(ports, wanted);
      return c.json(toConnection(await getConnectionRow(db, id)), 201);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/connections",
      access: { role: "admin", in: workspaceScope },
      summary: "Connections of the workspace",
      request: { params: KeyParams },
      responses: { 200: jsonReply(ConnectionList, "By name") },
    },
    async (c) => c.json({ connections: await listConnections(db, grantOf(c).workspaceId) }, 200),
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/connections/{connection}",
      access: { role: "admin", in: connectionScope },
      summary: "One connection",
      request: { params: ConnectionParams },
      responses: { 200: jsonReply(Connection, "The connection") },
    },
    async (c) => c.json(toConnection(await getConnectionRow(db, c.req.valid("param").connection)), 200),
  );

  table.add(
    {
      method: "patch",
      path: "/api/v1/connections/{connection}",
      access: { role: "admin", in: connectionScope },
      summary: "Change a connection or replace its key",
      request: { params: ConnectionParams, body: jsonBody(ConnectionPatch) },
      responses: { 200: jsonReply(Connection, "The connection now") },
    },
    async (c) => {
      const { connection: id } = c.req.valid("param");
      await changeConnection(ports, id, c.req.valid("json"), personOf(c).userId);
      return c.json(toConnection(await getConnectionRow(db, id)), 200);
    },
  );

  table.add(
    {
      method: "delete",
      path: "/api/v1/connections/{connection}",
      access: { role: "admin", in: connectionScope },
      summary: "Delete a connection that nothing uses",
      request: { params: ConnectionParams },
      responses: { 204: { description: "Deleted" } },
    },
    async (c) => {
      await deleteConnection(ports, c.req.valid("param").connection, personOf(c).userId);
      return c.body(null, 204);
    },
  );
}
