import type { ModelFacts } from "@windshift/contract/api/model.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { ModelPrices } from "@windshift/llm-broker/llm-target.ts";
import { record } from "../audit/audit-store.ts";
import { getConnectionRow } from "../connections/connection-store.ts";
import type { Database } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { deleteModel, putModel } from "./model-store.ts";

/** Null when it has no price: input and output are needed, what comes from the cache costs as much as the rest by default. */
export function pricesOf(
  row: Pick<Row<"models">, "input_price" | "cached_input_price" | "output_price"> | undefined,
): ModelPrices | null {
  if (row === undefined || row.input_price === null || row.output_price === null) return null;
  return {
    input: row.input_price,
    cachedInput: row.cached_input_price ?? row.input_price,
    output: row.output_price,
  };
}

/** @throws AppError `invalid_input` when the connection is not one to models */
export async function setModel(
  database: Database,
  of: { connection: number; model: string; by: string },
  facts: ModelFacts,
): Promise<void> {
  await database.transaction(async (tx) => {
    await putModel(tx, {
      connection_id: of.connection,
      model: of.model,
      ...facts,
      images: facts.images ? 1 : 0,
      updated_at_ms: Date.now(),
      updated_by: of.by,
    });
    const row = await getConnectionRow(tx, of.connection);
    if (row.kind !== "llm")
      throw new AppError("invalid_input", "only an LLM connection has models; this one reaches git");
    await record(tx, {
      workspaceId: row.workspace_id,
      actor: { user: of.by },
      action: "model.set",
      subject: `model ${of.model} of connection ${of.connection}`,
      data: { ...facts },
    });
  });
}

/** @throws AppError `not_found` */
export async function removeModel(
  database: Database,
  of: { connection: number; model: string; by: string },
): Promise<void> {
  await database.transaction(async (tx) => {
    if (!(await deleteModel(tx, of.connection, of.model))) throw new AppError("not_found", "not found");
    const { workspace_id: workspaceId } = await getConnectionRow(tx, of.connection);
    const subject = `model ${of.model} of connection ${of.connection}`;
    await record(tx, { workspaceId, actor: { user: of.by }, action: "model.deleted", subject });
  });
}

/** Said of a call, and of a run that is refused when it is created. */
export function describeUnpriced(model: string): string {
  return `A budget in dollars holds for this run, but the model ${model} has no price. An admin of the workspace must set its price on the LLM connection, or use a budget in tokens.`;
}
