import {
  type ConnectionPatch,
  type ConnectionWithSecret,
  FORGE_URLS,
  type NewConnection,
  ProviderUrl,
} from "@windshift/contract/api/connection.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { record } from "../audit/audit-store.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { MasterKey } from "../secrets/secret-box.ts";
import {
  type ConnectionSecret,
  openSecret,
  renewWebhookSecret,
  secretFingerprint,
  storeSecret,
} from "./connection-secret.ts";
import {
  getConnectionRow,
  insertConnection,
  isForge,
  listConnectionUses,
  renameConnection,
} from "./connection-store.ts";

export interface ConnectionPorts {
  database: Database;
  masterKey: MasterKey;
}

/**
 * Stores a connection; its credential is sealed and never given out again.
 * @returns its id and, for a forge, the webhook secret that is shown this once
 */
export function createConnection(
  ports: ConnectionPorts,
  wanted: NewConnection & { workspaceId: number; by: string },
): Promise<{ id: number } & Pick<ConnectionWithSecret, "webhook_secret">> {
  return ports.database.transaction(async (tx) => {
    const workspace_id = wanted.workspaceId;
    const id = await insertConnection(tx, {
      workspace_id,
      kind: wanted.kind,
      provider: wanted.provider,
      name: wanted.name,
      base_url: addressOf(wanted),
      context_window: wanted.kind === "llm" ? wanted.context_window : null,
      concurrency_max: wanted.kind === "llm" ? wanted.concurrency_max : null,
    });
    const row = { id, workspace_id };
    const secret = secretOf(wanted);
    await storeSecret(tx, ports.masterKey, row, secret ?? null);
    await recordChange(tx, wanted.by, "connection.created", row, secret ?? null);
    if (!isForge(wanted)) return { id };
    return { id, webhook_secret: await renewWebhookSecret(tx, ports.masterKey, row) };
  });
}

/**
 * Changes what the patch names.
 * @throws AppError `invalid_input` when a stored credential would be sent to an address it was not given for
 */
export async function changeConnection(
  ports: ConnectionPorts,
  id: number,
  given: ConnectionPatch,
  by: string,
): Promise<void> {
  await ports.database.transaction(async (tx) => {
    const row = await getConnectionRow(tx, id);
    const patch = withAddressOf(row, given);
    requireFitting(row, patch);
    if (patch.name !== undefined) await renameConnection(tx, row, patch.name);
    const {
      base_url = row.base_url,
      context_window = row.context_window,
      concurrency_max = row.concurrency_max,
    } = patch;
    await tx
      .updateTable("connections")
      .set({ base_url, context_window, concurrency_max })
      .where("id", "=", id)
      .execute();
    const secret = secretOf(patch);
    if (secret !== undefined) await storeSecret(tx, ports.masterKey, row, secret);
    await recordChange(tx, by, "connection.changed", row, secret ?? null);
  });
  await ports.database.signals.notify(`connection:${id}`);
}

/** A new webhook secret for a forge, to be shown this once. @throws AppError `conflict` for what is no forge */
export function changeWebhookSecret(ports: ConnectionPorts, id: number, by: string): Promise<string> {
  return ports.database.transaction(async (tx) => {
    const row = await getConnectionRow(tx, id);
    if (!isForge(row)) throw new AppError("conflict", "only connections to forges have webhooks");
    await recordChange(tx, by, "connection.webhook_secret_changed", row, null);
    return renewWebhookSecret(tx, ports.masterKey, row);
  });
}

/** @throws AppError `conflict` while something uses it */
export async function deleteConnection(ports: ConnectionPorts, id: number, by: string): Promise<void> {
  await ports.database.transaction(async (tx) => {
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
  await ports.database.signals.notify(`connection:${id}`);
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
  const secret = openSecret(masterKey, row);
  return {
    baseUrl: row.base_url,
    apiKey: secret?.kind === "key" ? secret.key : undefined,
    contextWindow: row.context_window ?? undefined,
  };
}

const LLM_FIELDS = ["api_key", "context_window", "concurrency_max"] as const;
const FORGE_FIELDS = ["token", "app"] as const;

function requireFitting(row: Row<"connections">, patch: ConnectionPatch): void {
  const forge = isForge(row);
  const foreign = row.kind === "llm" ? FORGE_FIELDS : LLM_FIELDS;
  for (const field of [
    ...foreign,
    ...(row.kind === "llm" || forge ? [] : [...FORGE_FIELDS, "base_url" as const]),
  ]) {
    if (patch[field] !== undefined) throw problem(field, `a connection of ${row.provider} has no such thing`);
  }
  if (patch.token !== undefined && patch.app !== undefined)
    throw problem("token", "give a token or an app, one of them");
  if (patch.app !== undefined && row.provider !== "github")
    throw problem("app", "only GitHub has Apps; give a token");
  const moves = patch.base_url !== undefined && patch.base_url !== row.base_url;
  if (moves && row.secret_sealed !== null && secretOf(patch) === undefined) {
    throw problem(
      forge ? "token" : "api_key",
      forge
        ? "give the credential together with a new base_url: a stored one never goes elsewhere"
        : "give the key together with a new base_url (null for none): a stored key never goes elsewhere",
    );
  }
}

/** An address as this kind of connection keeps it: `/v1` at its end is an API's version for models, and a part of the path for forges. */
function withAddressOf(row: Row<"connections">, patch: ConnectionPatch): ConnectionPatch {
  if (row.kind !== "llm" || patch.base_url === undefined) return patch;
  return { ...patch, base_url: ProviderUrl.parse(patch.base_url) };
}

/** Undefined when none was given; null when there shall be none. */
function secretOf(given: {
  api_key?: string | null | undefined;
  token?: string | undefined;
  app?: Omit<Extract<ConnectionSecret, { kind: "app" }>, "kind"> | undefined;
}): ConnectionSecret | null | undefined {
  if (given.app !== undefined) return { kind: "app", ...given.app };
  const key = given.token ?? given.api_key;
  return typeof key === "string" ? { kind: "key", key } : key;
}

function addressOf(wanted: NewConnection): string {
  if (wanted.base_url !== undefined) return wanted.base_url;
  return wanted.provider === "github" || wanted.provider === "gitlab" ? FORGE_URLS[wanted.provider] : "";
}

function recordChange(
  tx: Queries,
  by: string,
  action: string,
  row: Pick<Row<"connections">, "id" | "workspace_id">,
  newSecret: ConnectionSecret | null,
): Promise<void> {
  return record(tx, {
    workspaceId: row.workspace_id,
    actor: { user: by },
    action,
    subject: `connection ${row.id}`,
    data: newSecret === null ? {} : { new_key_fingerprint: secretFingerprint(newSecret) },
  });
}

function problem(path: string, message: string): AppError {
  return new AppError("invalid_input", `${path}: ${message}`, { details: [{ path, message }] });
}
