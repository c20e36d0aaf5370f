import { AppError } from "@windshift/contract/app-error.ts";
import type { ForgeEvent } from "@windshift/forges/forge-event.ts";
import { openWebhookSecret } from "../connections/connection-secret.ts";
import { findConnectionRow, isForge } from "../connections/connection-store.ts";
import type { Database, Queries } from "../db/database.ts";
import { wantLook } from "../forges/followed-pull.ts";
import type { ForgeClients } from "../forges/forge-clients.ts";
import { keepDelivery } from "../forges/webhook-deliveries.ts";
import type { MasterKey } from "../secrets/secret-box.ts";
import type { RefusalLog } from "./refusal-log.ts";

export interface WebhookPorts {
  database: Database;
  masterKey: MasterKey;
  forgeClients: ForgeClients;
  refusals: RefusalLog;
}

export interface Delivery {
  headers: Record<string, string>;
  /** Reads it; not called for a connection that does not exist. */
  body(): Promise<Uint8Array>;
}

/**
 * Takes in a delivery of a forge. It is only a hint: the pull request that it names is read from the forge soon after. A
 * delivery that came before changes nothing (WB-20).
 * @throws AppError `unauthenticated`, the same for every reason
 */
export async function takeDelivery(
  ports: WebhookPorts,
  connectionId: number | undefined,
  delivery: Delivery,
): Promise<"taken" | "known" | "ignored"> {
  const event = await verify(ports, connectionId, delivery);
  if (connectionId === undefined || event.kind === "refused") {
    const why = event.kind === "refused" ? event.message : "no such connection";
    ports.refusals.note(connectionId, why);
    throw new AppError("unauthenticated", "the delivery is not accepted");
  }
  // One or none: a delivery that is known but was not acted on would be lost when it is sent again.
  const outcome = await ports.database.transaction((tx) => keep(tx, connectionId, event));
  if (outcome === "taken") await ports.database.signals.notify("forges");
  return outcome;
}

async function keep(
  tx: Queries,
  connectionId: number,
  event: Exclude<ForgeEvent, { kind: "refused" }>,
): Promise<"taken" | "known" | "ignored"> {
  if (!(await keepDelivery(tx, connectionId, event.deliveryId))) return "known";
  if (event.kind !== "pull_request" && event.kind !== "comment" && event.kind !== "review") return "ignored";
  return (await wantLook(tx, connectionId, event)) ? "taken" : "ignored";
}

async function verify(
  ports: WebhookPorts,
  connectionId: number | undefined,
  { headers, body }: Delivery,
): Promise<ForgeEvent> {
  const row =
    connectionId === undefined ? undefined : await findConnectionRow(ports.database.kysely, connectionId);
  if (row === undefined || !isForge(row) || row.webhook_secret_sealed === null) {
    return { kind: "refused", message: "the address is that of no connection to a forge" };
  }
  const secret = openWebhookSecret(ports.masterKey, row);
  return ports.forgeClients.verifyWebhook(row, headers, await body(), secret);
}
