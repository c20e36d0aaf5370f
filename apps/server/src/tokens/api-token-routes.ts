import { ApiTokenList, ApiTokenWithSecret, NewApiToken } from "@windshift/contract/api/token.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { actingPersonOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { RowIdParam } from "../http/params.ts";
import type { Person } from "../http/principal.ts";
import type { RouteTable } from "../http/route-table.ts";
import { addApiToken, revokeApiToken, viewToken } from "./api-token.ts";
import { listTokens } from "./api-token-store.ts";

const IdParams = z.object({ id: RowIdParam });

/** The caller's own API tokens. */
export function addApiTokenRoutes(table: RouteTable, { database }: { database: Database }): void {
  table.add(
    {
      method: "get",
      path: "/api/v1/tokens",
      access: "person",
      summary: "The caller's API tokens",
      responses: { 200: jsonReply(ApiTokenList, "Newest first") },
    },
    async (c) => {
      const person = personOf(c);
      const rows = await listTokens(database, database.kysely, person.userId);
      return c.json({ tokens: rows.map((row) => viewToken(row, currentToken(person))) }, 200);
    },
  );

  table.add(
    {
      method: "post",
      path: "/api/v1/tokens",
      access: "session",
      summary: "Make an API token; it is shown this once",
      request: { body: jsonBody(NewApiToken) },
      responses: { 201: jsonReply(ApiTokenWithSecret, "The token") },
    },
    async (c) => {
      const wanted = c.req.valid("json");
      const owner = actingPersonOf(c);
      const { row, token } = await database.transaction((tx) => addApiToken(database, tx, wanted, owner));
      return c.json({ ...viewToken(row, undefined), token }, 201);
    },
  );

  table.add(
    {
      method: "delete",
      path: "/api/v1/tokens/{id}",
      // Whoever finds a token in the wrong place must be able to end it with itself.
      access: "self",
      summary: "End an API token; a token may end itself and no other",
      request: { params: IdParams },
      responses: { 204: { description: "Ended" } },
    },
    async (c) => {
      const { id } = c.req.valid("param");
      const current = currentToken(personOf(c));
      if (current !== undefined && current !== id)
        throw new AppError(
          "forbidden",
          "an API token can end itself only; sign in with a browser for others",
        );
      await revokeApiToken(database, id, actingPersonOf(c));
      return c.body(null, 204);
    },
  );
}

function currentToken({ via }: Person): number | undefined {
  return via.kind === "token" ? via.id : undefined;
}
