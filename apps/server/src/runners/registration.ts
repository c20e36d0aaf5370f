import { randomBytes } from "node:crypto";
import type { RegistrationTokenRow } from "@windshift/contract/api/pool.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { REGISTRATION_REPEAT_MS } from "@windshift/contract/limits.ts";
import type { RegisterReply, RegisterRequest } from "@windshift/contract/runner.ts";
import { createToken, hashToken } from "@windshift/contract/tokens.ts";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { isoTime } from "../http/json.ts";
import type { MasterKey } from "../secrets/secret-box.ts";
import { readEpoch } from "./registration-epoch.ts";
import { addCredential, registrationCredential } from "./runner-credential.ts";

/** A one-time token for a runner to join a pool with. It is shown once; only its hash is kept. */
export async function mintRegistrationToken(
  database: Database,
  wanted: { pool: PoolId; by: ActingPerson; expiresInMs: number },
): Promise<{ id: number; token: string }> {
  const token = createToken("registration");
  return database.transaction(async (tx) => {
    const now = await nowMs(database, tx);
    const { id } = await tx
      .insertInto("registration_tokens")
      .values({
        pool_id: wanted.pool,
        token_hash: hashToken(token),
        epoch: await readEpoch(tx),
        created_by: wanted.by.user,
        created_at_ms: now,
        expires_at_ms: now + wanted.expiresInMs,
        used_at_ms: null,
        nonce_hash: null,
        runner_id: null,
        revoked_at_ms: null,
      })
      .returning("id")
      .executeTakeFirstOrThrow();
    const data = { pool: wanted.pool, ip: wanted.by.ip ?? "unknown" };
    await tell(tx, wanted.by, "registration_token.created", id, data);
    return { id, token };
  });
}

/** Newest first. */
export async function listRegistrationTokens(
  database: Database,
  pool: PoolId,
): Promise<RegistrationTokenRow[]> {
  const epoch = await readEpoch(database.kysely);
  const now = await nowMs(database, database.kysely);
  const rows = await database.kysely
    .selectFrom("registration_tokens")
    .selectAll()
    .where("pool_id", "=", pool)
    .orderBy("id", "desc")
    .limit(TOKENS_SHOWN_MAX)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    state: stateOf(row, epoch, now),
    created_at: isoTime(row.created_at_ms),
    created_by: row.created_by,
    expires_at: isoTime(row.expires_at_ms),
    runner_id: row.runner_id === null ? null : RunnerId.parse(row.runner_id),
  }));
}

/** Tokens that are listed: the newest say all that matters. */
const TOKENS_SHOWN_MAX = 100;

/** @throws AppError `not_found` */
export async function revokeRegistrationToken(
  database: Database,
  pool: PoolId,
  id: number,
  by: ActingPerson,
): Promise<void> {
  await database.transaction(async (tx) => {
    const row = await tx
      .updateTable("registration_tokens")
      .set((eb) => ({ revoked_at_ms: eb.fn.coalesce("revoked_at_ms", dbNowMs(database.engine)) }))
      .where("id", "=", id)
      .where("pool_id", "=", pool)
      .returning("id")
      .executeTakeFirst();
    if (row === undefined) throw new AppError("not_found", "not found");
    await tell(tx, by, "registration_token.revoked", id, { pool, ip: by.ip ?? "unknown" });
  });
}

/**
 * Exchanges a registration token for a runner and its credential. Of many at once one succeeds; the same nonce within
 * REGISTRATION_REPEAT_MS gets the same answer again. Every refusal is the same, so that nobody learns which tokens exist.
 * @param from address of the caller, for the audit log
 * @throws AppError `unauthenticated`
 */
export async function registerHost(
  database: Database,
  key: MasterKey,
  request: RegisterRequest,
  from: string | undefined,
): Promise<RegisterReply> {
  const tokenHash = hashToken(request.registration_token);
  // What nobody ever minted costs a look, and keeps no writer waiting.
  if (!(await isMinted(database.kysely, tokenHash))) throw refused();
  const credential = registrationCredential(key, tokenHash, request.nonce);
  return database.transaction(async (tx) => {
    const now = await nowMs(database, tx);
    const taken = await tx
      .updateTable("registration_tokens")
      .set({ used_at_ms: now, nonce_hash: hashToken(request.nonce) })
      .where("token_hash", "=", tokenHash)
      .where("used_at_ms", "is", null)
      .where("revoked_at_ms", "is", null)
      .where("expires_at_ms", ">", now)
      .where("epoch", "=", await readEpoch(tx))
      .returning(["id", "pool_id"])
      .executeTakeFirst();
    if (taken === undefined) return repeated(tx, tokenHash, request.nonce, credential, now);
    const instance = randomBytes(6).toString("hex");
    const runner = await tx
      .insertInto("runners")
      .values({
        pool_id: taken.pool_id,
        name: request.name,
        kind: "host",
        instance,
        boot: "",
        last_seen_at_ms: 0,
        created_at_ms: now,
      })
      .returning("id")
      .executeTakeFirstOrThrow();
    await addCredential(database, tx, runner.id as RunnerId, credential);
    await tx
      .updateTable("registration_tokens")
      .set({ runner_id: runner.id })
      .where("id", "=", taken.id)
      .execute();
    const data = { pool: taken.pool_id, runner: runner.id, name: request.name, ip: from ?? "unknown" };
    await tell(tx, "system", "runner.registered", taken.id, data);
    return { credential, instance_id: instance, pool_id: PoolId.parse(taken.pool_id) };
  });
}

/** The answer that was lost, for whoever has the token and the nonce of the first time. */
async function repeated(
  tx: Queries,
  tokenHash: string,
  nonce: string,
  credential: string,
  now: number,
): Promise<RegisterReply> {
  const row = await tx
    .selectFrom("registration_tokens")
    .innerJoin("runners", "runners.id", "registration_tokens.runner_id")
    .innerJoin("runner_credentials", "runner_credentials.runner_id", "runners.id")
    .select(["runners.instance", "runners.pool_id"])
    .where("registration_tokens.token_hash", "=", tokenHash)
    .where("registration_tokens.nonce_hash", "=", hashToken(nonce))
    .where("registration_tokens.used_at_ms", ">", now - REGISTRATION_REPEAT_MS)
    .where("registration_tokens.revoked_at_ms", "is", null)
    .where("registration_tokens.epoch", "=", await readEpoch(tx))
    .where("runners.revoked_at_ms", "is", null)
    .where("runner_credentials.token_hash", "=", hashToken(credential))
    .executeTakeFirst();
  if (row === undefined) throw refused();
  return { credential, instance_id: row.instance, pool_id: PoolId.parse(row.pool_id) };
}

async function isMinted(db: Queries, tokenHash: string): Promise<boolean> {
  const row = await db
    .selectFrom("registration_tokens")
    .select("id")
    .where("token_hash", "=", tokenHash)
    .executeTakeFirst();
  return row !== undefined;
}

function refused(): AppError {
  return new AppError(
    "unauthenticated",
    "the registration token is unknown, used, expired or revoked; an administrator can make another for the pool",
  );
}

function stateOf(row: Row<"registration_tokens">, epoch: number, now: number): RegistrationTokenRow["state"] {
  if (row.used_at_ms !== null) return "used";
  if (row.revoked_at_ms !== null || row.epoch !== epoch) return "revoked";
  return row.expires_at_ms <= now ? "expired" : "unused";
}

async function nowMs(database: Database, db: Queries): Promise<number> {
  return (await db.selectNoFrom(dbNowMs(database.engine).as("now")).executeTakeFirstOrThrow()).now;
}

function tell(
  tx: Queries,
  actor: { user: string } | "system",
  action: string,
  token: number,
  data: Record<string, string | number>,
): Promise<void> {
  return record(tx, { workspaceId: null, actor, action, subject: `registration token ${token}`, data });
}
