import type { ConnectionPatch, NewConnection } from "@windshift/contract/api/connection.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { record } from "../audit/audit-store.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { fingerprint, type MasterKey, open, type SealedPlace, seal } from "../secrets/secret-box.ts";
import {
  getConnectionRow,
  insertConnection,
  listConnectionUses,
  renameConnection,
} from "./connection-store.ts";

export interface ConnectionPorts {
  database: Database;
  masterKey: MasterKey;
}

/** Stores a connection; its key is sealed and never given out again. @returns its id */
export function createConnection(
  ports: ConnectionPorts,
  wanted: NewConnection & { workspaceId: number; by: string },
): Promise<number> {
  return ports.database.transaction(async (tx) => {
    const id = await insertConnection(tx, {
      workspace_id: wanted.workspaceId,
      kind: wanted.kind,
      provider: wanted.provider,
      name: wanted.name,
      base_url: wanted.kind === "llm" ? wanted.base_url : "",
      context_window: wanted.kind === "llm" ? wanted.context_window : null,
    });
    const key = wanted.kind === "llm" ? wanted.api_key : null;
    await storeSecret(tx, ports.masterKey, { id, workspace_id: wanted.workspaceId }, key);
    await recordChange(tx, wanted.by, "connection.created", { id, workspace_id: wanted.workspaceId }, key);
    return id;
  });
}

/**
 * Changes what the patch names.
 * @throws AppError `invalid_input` when a stored key would be sent to an address it was not given for
 */
export function changeConnection(
  ports: ConnectionPorts,
  id: number,
  patch: ConnectionPatch,
  by: string,
): Promise<void> {
  return ports.database.transaction(async (tx) => {
    const row = await getConnectionRow(tx, id);
    requireFitting(row, patch);
    if (patch.name !== undefined) await renameConnection(tx, row, patch.name);
    const { base_url = row.base_url, context_window = row.context_window } = patch;
    await tx.updateTable("connections").set({ base_url, context_window }).where("id", "=", id).execute();
    if (patch.api_key !== undefined) await storeSecret(tx, ports.masterKey, row, patch.api_key);
    await recordChange(tx, by, "connection.changed", row, patch.api_key ?? null);
  });
}

/** @throws AppError `conflict` while something uses it */
export function deleteConnection(ports: ConnectionPorts, id: number, by: string): Promise<void> {
  return ports.database.transaction(async (tx) => {
    const row = await getConnectionRow(tx, id);
    const uses = await listConnectionUses(tx, id);
    if (uses.length > 0) {
      throw new AppError(
        "conflict",
        `the connection is used by ${uses.join(", ")}; change or delete that first`,
      );
    }
    await tx.deleteFrom("connections").where("id", "=", id).execute();
    await recordChange(tx, by, "connection.deleted", row, null);
  });
}

export interface LlmEndpoint {
  /** A root; `/v1/chat/completions` is added to it. */
  baseUrl: string;
  /** Undefined when the provider asks for none. */
  apiKey: string | undefined;
  /** Tokens. */
  contextWindow: number | undefined;
}

/**
 * The provider behind an LLM connection with its key in clear, for the broker alone.
 * @param workspaceId the run's own; a connection of elsewhere is not found
 * @throws AppError `not_found`; Error when the secret cannot be opened
 */
export async function openLlmSecret(
  db: Queries,
  masterKey: MasterKey,
  id: number,
  workspaceId: number,
): Promise<LlmEndpoint> {
  const row = await getConnectionRow(db, id);
  if (row.kind !== "llm" || row.workspace_id !== workspaceId) {
    throw new AppError("not_found", `LLM connection ${id} does not exist`);
  }
  const sealed = row.secret_sealed;
  return {
    baseUrl: row.base_url,
    apiKey: sealed === null ? undefined : open(masterKey, sealed, placeOf(row)),
    contextWindow: row.context_window ?? undefined,
  };
}

function requireFitting(row: Row<"connections">, patch: ConnectionPatch): void {
  if (row.kind !== "llm" && (patch.base_url ?? patch.api_key ?? patch.context_window) !== undefined) {
    throw problem("base_url", "a git connection of the server's own repositories has only a name");
  }
  const moves = patch.base_url !== undefined && patch.base_url !== row.base_url;
  if (moves && row.secret_sealed !== null && patch.api_key === undefined) {
    throw problem(
      "api_key",
      "give the key together with a new base_url (null for none): a stored key never goes elsewhere",
    );
  }
}

async function storeSecret(
  tx: Queries,
  masterKey: MasterKey,
  row: Pick<Row<"connections">, "id" | "workspace_id">,
  secret: string | null,
): Promise<void> {
  await tx
    .updateTable("connections")
    .set({
      secret_sealed: secret === null ? null : seal(masterKey, secret, placeOf(row)),
      secret_fingerprint: secret === null ? null : fingerprint(secret),
    })
    .where("id", "=", row.id)
    .execute();
}

function placeOf(row: Pick<Row<"connections">, "id" | "workspace_id">): SealedPlace {
  return { table: "connections", column: "secret_sealed", row: row.id, workspaceId: row.workspace_id };
}

function recordChange(
  tx: Queries,
  by: string,
  action: string,
  row: Pick<Row<"connections">, "id" | "workspace_id">,
  newSecret: string | null,
): Promise<void> {
  return record(tx, {
    workspaceId: row.workspace_id,
    actor: { user: by },
    action,
    subject: `connection ${row.id}`,
    data: newSecret === null ? {} : { new_key_fingerprint: fingerprint(newSecret) },
  });
}

function problem(path: string, message: string): AppError {
  return new AppError("invalid_input", `${path}: ${message}`, { details: [{ path, message }] });
}
