import { assert } from "@windshift/contract/app-error.ts";
import type { ForgeKind, ForgeOptions } from "@windshift/forges/create-forge-client.ts";
import type { ForgeClient } from "@windshift/forges/forge-client.ts";
import type { ForgeEvent, WebhookHeaders } from "@windshift/forges/forge-event.ts";
import { openSecret } from "../connections/connection-secret.ts";
import { getConnectionRow, recordCheck } from "../connections/connection-store.ts";
import type { Database } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { MasterKey } from "../secrets/secret-box.ts";
import { checkConnection } from "./connection-check.ts";
import { blamesCredential, forgeFailure } from "./forge-failure.ts";

export interface ForgeClientPorts {
  database: Database;
  masterKey: MasterKey;
  /** The guarded way out. */
  outbound: ForgeOptions["fetch"];
}

/** Clients that are kept, one a connection: those of a large installation; the one used longest ago makes room. */
const CLIENTS_MAX = 200;

/** How old a recorded problem is before a success makes it asked again, ms: each asking is a few requests. */
const RECHECK_MS = 60_000;

/**
 * One client for each connection to a forge, made when it is first used and made anew when the connection changed. Clients
 * remember rate limits and short-lived tokens, so they are kept.
 */
export class ForgeClients {
  private readonly kept = new Map<number, { version: string; client: Promise<ForgeClient> }>();
  /** Connections that are being asked whether their problem is over. */
  private readonly rechecking = new Set<number>();
  constructor(private readonly ports: ForgeClientPorts) {}

  /**
   * Does something with the client of a connection.
   * @throws AppError with the forge's sentence: `forbidden` when the credential may not, `not_found`, `conflict` when the forge
   *   refuses, `rate_limited` (a ForgeBusy), `upstream_failed` when trying again may help
   */
  async use<T>(connectionId: number, work: (client: ForgeClient) => Promise<T>): Promise<T> {
    const row = await getConnectionRow(this.ports.database.kysely, connectionId);
    try {
      const client = await this.clientFor(row);
      const done = await work(client);
      await this.recheck(row, client);
      return done;
    } catch (error) {
      if (blamesCredential(error) && row.check_problem !== error.message) {
        await recordCheck(this.ports.database.kysely, row.id, error.message);
      }
      throw forgeFailure(error);
    }
  }

  /**
   * Whether a delivery came from the forge, and what it is about. Asks nobody: anybody may send one, so none leads to a request
   * with the credential, and its answer waits for no forge.
   * @throws AppError when the connection is to no such forge
   */
  async verifyWebhook(
    row: Row<"connections">,
    headers: WebhookHeaders,
    body: Uint8Array,
    secret: string,
  ): Promise<ForgeEvent> {
    try {
      return await (await this.clientFor(row)).verifyWebhook(headers, body, secret);
    } catch (error) {
      throw forgeFailure(error);
    }
  }

  /** A problem that was recorded and may be over: what works says so, and the check whether all does. */
  private async recheck(row: Row<"connections">, client: ForgeClient): Promise<void> {
    if (row.check_problem === null || Date.now() - (row.checked_at_ms ?? 0) < RECHECK_MS) return;
    if (this.rechecking.has(row.id)) return;
    this.rechecking.add(row.id);
    try {
      const db = this.ports.database.kysely;
      // What asked for this has succeeded, and must not fail for it.
      const found = await checkConnection(db, row.id, client).catch(() => undefined);
      await recordCheck(db, row.id, found?.ok ? null : row.check_problem);
    } finally {
      this.rechecking.delete(row.id);
    }
  }

  private clientFor(row: Row<"connections">): Promise<ForgeClient> {
    const version = [row.provider, row.base_url, row.secret_sealed].join(" ");
    const known = this.kept.get(row.id);
    this.kept.delete(row.id);
    const entry = known?.version === version ? known : { version, client: this.create(row) };
    this.kept.set(row.id, entry);
    entry.client.catch(() => this.kept.get(row.id) === entry && this.kept.delete(row.id));
    const [oldest] = this.kept.keys();
    if (this.kept.size > CLIENTS_MAX && oldest !== undefined) this.kept.delete(oldest);
    return entry.client;
  }

  private async create(row: Row<"connections">): Promise<ForgeClient> {
    const { masterKey, outbound } = this.ports;
    const secret = openSecret(masterKey, row);
    assert(secret !== null && row.kind === "git", `connection ${row.id} is to a forge and has a credential`);
    // The libraries of forges are loaded by servers that use them only: memory and start of the others stay as they are.
    const { createForgeClient } = await import("@windshift/forges/create-forge-client.ts");
    return createForgeClient(row.provider as ForgeKind, {
      baseUrl: row.base_url,
      credential:
        secret.kind === "key"
          ? { kind: "token", token: secret.key }
          : {
              kind: "github_app",
              appId: secret.app_id,
              installationId: secret.installation_id,
              privateKey: secret.private_key,
            },
      fetch: outbound,
    });
  }
}
