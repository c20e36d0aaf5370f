import {
  Connection,
  ConnectionCheck,
  ConnectionPatch,
  ConnectionWithSecret,
  type ForgeRepositoryPage,
  ForgeRepositoryPage as ForgeRepositoryPageReply,
  NewConnection,
} from "@windshift/contract/api/connection.ts";
import { z } from "zod";
import type { Row } from "../db/schema.ts";
import { grantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { RowIdParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import {
  type ConnectionPorts,
  changeConnection,
  changeWebhookSecret,
  createConnection,
  deleteConnection,
} from "./connection.ts";
import { type ConnectionTrial, checkLlmConnection } from "./connection-check.ts";
import {
  connectionScope,
  getConnectionRow,
  isForge,
  listConnectionRows,
  recordCheck,
  toConnection,
} from "./connection-store.ts";

const KeyParams = z.object({ key: z.string() });
const ConnectionParams = z.object({ connection: RowIdParam });
const ConnectionList = z.object({ connections: z.array(Connection) });
const WebhookSecret = z.object({ webhook_url: z.string(), webhook_secret: z.string() });
/** Pages of a forge's list of repositories: more than anybody turns over. */
const REPOSITORY_PAGES_MAX = 1_000;
const RepositoryQuery = z.object({
  search: z.string().trim().max(100).optional(),
  page: z
    .string()
    .regex(/^[1-9][0-9]{0,3}$/, "a page from 1")
    .transform(Number)
    .pipe(z.int().max(REPOSITORY_PAGES_MAX))
    .default(1),
});

export interface ConnectionRoutePorts extends ConnectionPorts, ConnectionTrial {
  /** As forges reach this server. */
  baseUrl: string;
  forges: {
    /** Never rejects for what the forge says: that is its answer. */
    check(connectionId: number): Promise<ConnectionCheck>;
    listRepositories(
      connectionId: number,
      query: { page: number; search: string | undefined },
    ): Promise<ForgeRepositoryPage>;
  };
}

/** Connections are the admins' affair; secrets go in and never come out (WB-14), but for a new webhook secret. */
export function addConnectionRoutes(table: RouteTable, ports: ConnectionRoutePorts): void {
  const db = ports.database.kysely;
  const show = (row: Row<"connections">) => toConnection(row, ports.baseUrl);
  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/connections",
      access: { role: "admin", in: workspaceScope },
      summary: "Add a connection to a model provider, a forge or the server's own git repositories",
      request: { params: KeyParams, body: jsonBody(NewConnection) },
      responses: {
        201: jsonReply(ConnectionWithSecret, "The connection; its webhook secret is shown this once"),
      },
    },
    async (c) => {
      const wanted = { ...c.req.valid("json"), workspaceId: grantOf(c).workspaceId, by: personOf(c).userId };
      const { id, ...once } = await createConnection(ports, wanted);
      return c.json({ ...show(await getConnectionRow(db, id)), ...once }, 201);
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
    async (c) =>
      c.json({ connections: (await listConnectionRows(db, grantOf(c).workspaceId)).map(show) }, 200),
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
    async (c) => c.json(show(await getConnectionRow(db, c.req.valid("param").connection)), 200),
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
      return c.json(show(await getConnectionRow(db, id)), 200);
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
  addForgeRoutes(table, ports);
}

/** What is asked of the other end of a connection. */
function addForgeRoutes(table: RouteTable, ports: ConnectionRoutePorts): void {
  const db = ports.database.kysely;
  table.add(
    {
      method: "post",
      path: "/api/v1/connections/{connection}/check",
      access: { role: "admin", in: connectionScope },
      summary: "Try the connection; the answer is one sentence and is kept with it",
      request: { params: ConnectionParams },
      responses: { 200: jsonReply(ConnectionCheck, "What was found") },
    },
    async (c) => {
      const row = await getConnectionRow(db, c.req.valid("param").connection);
      const found = await tryConnection(ports, row);
      await recordCheck(db, row.id, found.ok ? null : found.message);
      return c.json(found, 200);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/connections/{connection}/repositories",
      access: { role: "admin", in: connectionScope },
      summary: "Repositories that the credential can see on the forge, a page at a time",
      request: { params: ConnectionParams, query: RepositoryQuery },
      responses: { 200: jsonReply(ForgeRepositoryPageReply, "The most recently used first") },
    },
    async (c) => {
      const row = await getConnectionRow(db, c.req.valid("param").connection);
      // What is no forge has no repositories elsewhere.
      if (!isForge(row)) return c.json({ repositories: [], next_page: null }, 200);
      const { page, search } = c.req.valid("query");
      return c.json(await ports.forges.listRepositories(row.id, { page, search: search || undefined }), 200);
    },
  );

  table.add(
    {
      method: "post",
      path: "/api/v1/connections/{connection}/webhook-secret",
      access: { role: "admin", in: connectionScope },
      summary: "Make a new webhook secret; the former one is refused from now on",
      request: { params: ConnectionParams },
      responses: {
        200: jsonReply(WebhookSecret, "The secret, shown this once, and where the forge sends to"),
      },
    },
    async (c) => {
      const { connection: id } = c.req.valid("param");
      const secret = await changeWebhookSecret(ports, id, personOf(c).userId);
      return c.json({ webhook_url: `${ports.baseUrl}/api/webhooks/${id}`, webhook_secret: secret }, 200);
    },
  );
}

async function tryConnection(ports: ConnectionRoutePorts, row: Row<"connections">): Promise<ConnectionCheck> {
  if (isForge(row)) return ports.forges.check(row.id);
  if (row.kind === "llm") return checkLlmConnection(ports, row);
  return { ok: true, message: "The repositories are this server's own; there is nothing to sign in to." };
}
