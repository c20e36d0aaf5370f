import { NewRepository, Repository } from "@windshift/contract/api/repository.ts";
import { z } from "zod";
import type { Row } from "../db/schema.ts";
import { grantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { RowIdParam } from "../http/params.ts";
import type { Person } from "../http/principal.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import { createRepository, dirOf, type NewRepositoryPorts } from "./repository.ts";
import { getRepositoryRow, listRepositoryRows, repositoryScope, toRepository } from "./repository-store.ts";

const KeyParams = z.object({ key: z.string() });
const RepositoryParams = z.object({ repository: RowIdParam });
const RepositoryList = z.object({ repositories: z.array(Repository) });

/** Repositories of a workspace, on this server and at forges. */
export function addRepositoryRoutes(table: RouteTable, ports: NewRepositoryPorts): void {
  const db = ports.database.kysely;
  const show = (row: Row<"repositories">, person: Person) =>
    toRepository(row, person.admin && row.web_url === null ? dirOf(ports, row) : undefined);

  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/repositories",
      access: { role: "admin", in: workspaceScope },
      summary: "Make an empty bare repository on the server, or take in one that exists on a forge",
      request: { params: KeyParams, body: jsonBody(NewRepository) },
      responses: { 201: jsonReply(Repository, "The repository") },
    },
    async (c) => {
      const person = personOf(c);
      const wanted = { ...c.req.valid("json"), workspaceId: grantOf(c).workspaceId, by: person.userId };
      const id = await createRepository(ports, wanted);
      return c.json(show(await getRepositoryRow(db, id), person), 201);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/repositories",
      access: { role: "viewer", in: workspaceScope },
      summary: "Repositories of the workspace",
      request: { params: KeyParams },
      responses: { 200: jsonReply(RepositoryList, "By owner and name") },
    },
    async (c) => {
      const rows = await listRepositoryRows(db, grantOf(c).workspaceId);
      return c.json({ repositories: rows.map((row) => show(row, personOf(c))) }, 200);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/repositories/{repository}",
      access: { role: "viewer", in: repositoryScope },
      summary: "One repository",
      request: { params: RepositoryParams },
      responses: { 200: jsonReply(Repository, "The repository") },
    },
    async (c) => c.json(show(await getRepositoryRow(db, c.req.valid("param").repository), personOf(c)), 200),
  );
}
