import type { Model } from "@windshift/contract/api/model.ts";
import type { Queries } from "../db/database.ts";
import type { NewRow, Row } from "../db/schema.ts";
import { isoTime } from "../http/json.ts";

/** What is stored of a model of a connection. @returns undefined when nothing is: its prices are not known */
export function findModelRow(
  db: Queries,
  connectionId: number,
  model: string,
): Promise<Row<"models"> | undefined> {
  return db
    .selectFrom("models")
    .selectAll()
    .where("connection_id", "=", connectionId)
    .where("model", "=", model)
    .executeTakeFirst();
}

/** By name. */
export async function listModels(db: Queries, connectionId: number): Promise<Model[]> {
  const rows = await db
    .selectFrom("models")
    .selectAll()
    .where("connection_id", "=", connectionId)
    .orderBy("model")
    .execute();
  return rows.map(toModel);
}

/** As the API shows it. Prices are millionths for a million tokens. */
export function toModel(row: Row<"models">): Model {
  return {
    connection_id: row.connection_id,
    model: row.model,
    input_price: row.input_price,
    cached_input_price: row.cached_input_price,
    output_price: row.output_price,
    context_window: row.context_window,
    images: row.images === 1,
    updated_at: isoTime(row.updated_at_ms),
  };
}

/** Replaces all that was known of the model. */
export async function putModel(tx: Queries, row: NewRow<"models">): Promise<void> {
  const { connection_id: _, model: __, ...facts } = row;
  await tx
    .insertInto("models")
    .values(row)
    .onConflict((oc) => oc.columns(["connection_id", "model"]).doUpdateSet(facts))
    .execute();
}

/** @returns whether there was one */
export async function deleteModel(tx: Queries, connectionId: number, model: string): Promise<boolean> {
  const row = await tx
    .deleteFrom("models")
    .where("connection_id", "=", connectionId)
    .where("model", "=", model)
    .returning("model")
    .executeTakeFirst();
  return row !== undefined;
}
