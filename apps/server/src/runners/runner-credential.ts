import { createHmac } from "node:crypto";
import { AppError } from "@windshift/contract/app-error.ts";
import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { CREDENTIAL_OVERLAP_MS } from "@windshift/contract/limits.ts";
import { createToken, hashToken, TOKEN_PREFIX } from "@windshift/contract/tokens.ts";
import { record } from "../audit/audit-store.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { derivedKey, type MasterKey } from "../secrets/secret-box.ts";

/** A credential that nobody used within this time is void, ms: its owner never got it. */
const UNUSED_MS_MAX = 86_400_000;

/** A runner host that showed a valid credential. */
export interface Host {
  id: RunnerId;
  pool: PoolId;
  name: string;
  instance: string;
  /** Runs that it takes at once, as it said last; undefined where nobody asks. */
  capacity?: number;
  /** Address of the other end of its request. */
  from?: string | undefined;
}

/**
 * The credential that a registration gives. Not stored: the same token with the same nonce gives it again, and nobody
 * without the master key can tell what it is. 256 bits.
 */
export function registrationCredential(key: MasterKey, tokenHash: string, nonce: string): string {
  const mac = createHmac("sha256", derivedKey(key, "runner credentials")).update(`${tokenHash}.${nonce}`);
  return TOKEN_PREFIX.runner + mac.digest("base64url");
}

/** Keeps the hash of a credential that works at once and without end; a rotation ends it. Part of the caller's transaction. */
export async function addCredential(
  database: Database,
  tx: Queries,
  runner: RunnerId,
  credential: string,
): Promise<void> {
  await tx
    .insertInto("runner_credentials")
    .values({
      runner_id: runner,
      token_hash: hashToken(credential),
      created_at_ms: dbNowMs(database.engine),
      first_used_at_ms: null,
      expires_at_ms: null,
    })
    .execute();
}

/**
 * Makes another credential for the host. With one that is on its way out this works only as long as its successor was not used:
 * the answer may have been lost then; later whoever has the former one is not the host.
 * The one it came with works for CREDENTIAL_OVERLAP_MS more; older ones that still did
 * end now, so that there are never more than two, also when it is asked for twice at once: then the first answer is void.
 */
export async function rotateCredential(database: Database, host: Host, used: string): Promise<string> {
  const fresh = createToken("runner");
  await database.transaction(async (tx) => {
    const now = dbNowMs(database.engine);
    await lockRunner(database, tx, host);
    await requireUnusedSuccessor(tx, host, used);
    await tx
      .deleteFrom("runner_credentials")
      .where("runner_id", "=", host.id)
      .where("token_hash", "!=", hashToken(used))
      .execute();
    await tx
      .updateTable("runner_credentials")
      .set((eb) => ({ expires_at_ms: eb(now, "+", CREDENTIAL_OVERLAP_MS) }))
      .where("token_hash", "=", hashToken(used))
      .where("expires_at_ms", "is", null)
      .execute();
    await addCredential(database, tx, host.id, fresh);
    await record(tx, {
      workspaceId: null,
      actor: { runner: host.id },
      action: "runner.credential_rotated",
      subject: `runner ${host.id}`,
      data: { ip: host.from ?? "unknown" },
    });
  });
  return fresh;
}

/** One rotation of a host at a time: each has to see what the one before it made. SQLite has one writer at a time anyway. */
async function lockRunner(database: Database, tx: Queries, host: Host): Promise<void> {
  if (database.engine !== "postgres") return;
  await tx.selectFrom("runners").select("id").where("id", "=", host.id).forNoKeyUpdate().execute();
}

/** @throws AppError `unauthenticated` when the credential is on its way out and its successor is in use */
async function requireUnusedSuccessor(tx: Queries, host: Host, used: string): Promise<void> {
  const rows = await tx
    .selectFrom("runner_credentials")
    .select(["token_hash", "first_used_at_ms", "expires_at_ms"])
    .where("runner_id", "=", host.id)
    .execute();
  const isFormer = rows.some((row) => row.token_hash === hashToken(used) && row.expires_at_ms !== null);
  const inUse = rows.some((row) => row.token_hash !== hashToken(used) && row.first_used_at_ms !== null);
  if (isFormer && inUse) throw notWelcome();
}

/** An `unauthenticated` that does not tell unknown, expired and revoked credentials apart, and says what helps with all of them. */
export function notWelcome(): AppError {
  return new AppError(
    "unauthenticated",
    "the runner credential is unknown, expired or revoked; register this runner again with a new registration token of its pool",
  );
}

/**
 * The hosts that credentials belong to, by their hashes. Notes the first use of a credential.
 * @returns nothing for one that is unknown, expired or revoked
 */
export async function findByCredentials(
  database: Database,
  hashes: readonly string[],
): Promise<Map<string, Host>> {
  const now = dbNowMs(database.engine);
  const rows = await database.leases
    .selectFrom("runner_credentials")
    .innerJoin("runners", "runners.id", "runner_credentials.runner_id")
    .select([
      "runners.id",
      "runners.pool_id",
      "runners.instance",
      "runners.name",
      "runners.capacity",
      "runner_credentials.token_hash",
      "runner_credentials.first_used_at_ms",
    ])
    .where("runner_credentials.token_hash", "in", hashes)
    .where("runners.revoked_at_ms", "is", null)
    .where((eb) => eb.or([eb("expires_at_ms", "is", null), eb("expires_at_ms", ">", now)]))
    .where((eb) =>
      eb.or([
        eb("first_used_at_ms", "is not", null),
        eb("runner_credentials.created_at_ms", ">", eb(now, "-", UNUSED_MS_MAX)),
      ]),
    )
    .execute();
  const unused = rows.filter((row) => row.first_used_at_ms === null).map((row) => row.token_hash);
  if (unused.length > 0)
    await database.kysely
      .updateTable("runner_credentials")
      .set({ first_used_at_ms: now })
      .where("token_hash", "in", unused)
      .execute();
  return new Map(
    rows.map(({ id, pool_id, instance, name, capacity, token_hash }) => [
      token_hash,
      { id: id as RunnerId, pool: pool_id as PoolId, instance, name, capacity },
    ]),
  );
}
