import { randomBytes } from "node:crypto";
import { GithubApp } from "@windshift/contract/api/connection.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { sealCounted } from "../secrets/key-uses.ts";
import { fingerprint, type MasterKey, open, type SealedPlace } from "../secrets/secret-box.ts";

/** A key or token as it is, or a GitHub App. */
export type ConnectionSecret = { kind: "key"; key: string } | ({ kind: "app" } & GithubApp);

type Place = Pick<Row<"connections">, "id" | "workspace_id">;

/** Random bytes of a webhook secret: as much as the HMAC-SHA-256 it is the key of. */
const WEBHOOK_SECRET_BYTES = 32;

/** Seals the credential in place of the one before; what was found out about that one is forgotten. */
export async function storeSecret(
  tx: Queries,
  masterKey: MasterKey,
  row: Place,
  secret: ConnectionSecret | null,
): Promise<void> {
  const secret_sealed =
    secret === null ? null : await sealCounted(tx, masterKey, textOf(secret), placeOf(row, "secret_sealed"));
  await tx
    .updateTable("connections")
    .set({
      secret_sealed,
      secret_fingerprint: secret === null ? null : secretFingerprint(secret),
      settings: JSON.stringify(
        secret?.kind === "app"
          ? { app: { app_id: secret.app_id, installation_id: secret.installation_id } }
          : {},
      ),
      checked_at_ms: null,
      check_problem: null,
    })
    .where("id", "=", row.id)
    .execute();
}

/** Tells two credentials apart; of an App it is that of the private key. */
export function secretFingerprint(secret: ConnectionSecret): string {
  return fingerprint(secret.kind === "key" ? secret.key : secret.private_key);
}

/**
 * The credential in clear; null when there is none.
 * @throws Error when it cannot be opened
 */
export function openSecret(masterKey: MasterKey, row: Row<"connections">): ConnectionSecret | null {
  if (row.secret_sealed === null) return null;
  const text = open(masterKey, row.secret_sealed, placeOf(row, "secret_sealed"));
  // The ids stand beside the sealed value for people to see; those that are used stand inside of it.
  if (!("app" in JSON.parse(row.settings))) return { kind: "key", key: text };
  return { kind: "app", ...GithubApp.parse(JSON.parse(text)) };
}

/** Makes a new webhook secret, which is shown this once; the former one is refused from now on. */
export async function renewWebhookSecret(tx: Queries, masterKey: MasterKey, row: Place): Promise<string> {
  const secret = randomBytes(WEBHOOK_SECRET_BYTES).toString("base64url");
  const webhook_secret_sealed = await sealCounted(
    tx,
    masterKey,
    secret,
    placeOf(row, "webhook_secret_sealed"),
  );
  await tx.updateTable("connections").set({ webhook_secret_sealed }).where("id", "=", row.id).execute();
  return secret;
}

/** @throws AppError `not_found` when the connection has none */
export function openWebhookSecret(masterKey: MasterKey, row: Row<"connections">): string {
  const sealed = row.webhook_secret_sealed;
  if (sealed === null) throw new AppError("not_found", `connection ${row.id} has no webhook secret`);
  return open(masterKey, sealed, placeOf(row, "webhook_secret_sealed"));
}

function textOf(secret: ConnectionSecret): string {
  if (secret.kind === "key") return secret.key;
  const { kind: _, ...app } = secret;
  return JSON.stringify(app);
}

function placeOf(row: Place, column: "secret_sealed" | "webhook_secret_sealed"): SealedPlace {
  return { table: "connections", column, row: row.id, workspaceId: row.workspace_id };
}
