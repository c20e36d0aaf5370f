import { ModelId } from "@windshift/contract/api/binding.ts";
import { Model, ModelFacts } from "@windshift/contract/api/model.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import { connectionScope } from "../connections/connection-store.ts";
import type { Database } from "../db/database.ts";
import { personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { RowIdParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { removeModel, setModel } from "./model.ts";
import { findModelRow, listModels, toModel } from "./model-store.ts";

const ConnectionParams = z.object({ connection: RowIdParam });
/** A slash in a model's name stands as %2F in the path. */
const ModelParams = z.object({ connection: RowIdParam, model: ModelId });
const ModelList = z.object({ models: z.array(Model) });
const admin = { role: "admin", in: connectionScope } as const;

/** Prices and windows of the models of a connection. */
export function addModelRoutes(table: RouteTable, ports: { database: Database }): void {
  const { database } = ports;
  table.add(
    {
      method: "get",
      path: "/api/v1/connections/{connection}/models",
      access: admin,
      summary: "What is known of the connection's models",
      request: { params: ConnectionParams },
      responses: { 200: jsonReply(ModelList, "By name") },
    },
    async (c) => c.json({ models: await listModels(database.kysely, c.req.valid("param").connection) }, 200),
  );
  table.add(
    {
      method: "put",
      path: "/api/v1/connections/{connection}/models/{model}",
      access: admin,
      summary: "Set price, context window and pictures of a model; later calls go by it",
      request: { params: ModelParams, body: jsonBody(ModelFacts) },
      responses: { 200: jsonReply(Model, "The model now") },
    },
    async (c) => {
      const of = { ...c.req.valid("param"), by: personOf(c).userId };
      await setModel(database, of, c.req.valid("json"));
      const row = await findModelRow(database.kysely, of.connection, of.model);
      if (row === undefined) throw new AppError("not_found", "not found");
      return c.json(toModel(row), 200);
    },
  );
  table.add(
    {
      method: "delete",
      path: "/api/v1/connections/{connection}/models/{model}",
      access: admin,
      summary: "Forget what is known of a model",
      request: { params: ModelParams },
      responses: { 204: { description: "Deleted" } },
    },
    async (c) => {
      await removeModel(database, { ...c.req.valid("param"), by: personOf(c).userId });
      return c.body(null, 204);
    },
  );
}
