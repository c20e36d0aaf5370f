import { TokenScope } from "@windshift/contract/api/token.ts";
import { hashToken, TOKEN_PREFIX } from "@windshift/contract/tokens.ts";
import { z } from "zod";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { Person } from "../http/principal.ts";

/** When a token was last used is written at most this often, ms: requests would wait for each other's writes. */
const LAST_USED_STEP_MS = 60_000;

export const Scopes = z.array(TokenScope);

/**
 * The person a token speaks for. Looked up anew for each request: revoked, expired, or its owner disabled, it is unknown
 * from the next one on (WB-26).
 */
export async function findTokenPerson(database: Database, token: string): Promise<Person | undefined> {
  if (!token.startsWith(TOKEN_PREFIX.person)) return undefined;
  const now = dbNowMs(database.engine);
  const row = await database.kysely
    .selectFrom("api_tokens")
    .innerJoin("user", "user.id", "api_tokens.user_id")
    .select(["api_tokens.id", "api_tokens.name as token_name", "api_tokens.scopes"])
    .select(["user.id as user_id", "user.name", "user.admin"])
    .select((eb) =>
      eb
        .case()
        .when(
          eb.or([
            eb("last_used_at_ms", "is", null),
            eb("last_used_at_ms", "<", eb(now, "-", LAST_USED_STEP_MS)),
          ]),
        )
        .then(1)
        .else(0)
        .end()
        .as("stale"),
    )
    .where("api_tokens.token_hash", "=", hashToken(token))
    .where("api_tokens.expires_at_ms", ">", now)
    .where("user.disabled_at_ms", "is", null)
    .where("user.kind", "=", "person")
    .executeTakeFirst();
  if (row === undefined) return undefined;
  if (row.stale === 1) await noteUse(database, row.id);
  return {
    kind: "person",
    userId: row.user_id,
    name: row.name,
    admin: row.admin === 1,
    via: {
      kind: "token",
      id: row.id,
      name: row.token_name,
      scopes: Scopes.parse(JSON.parse(row.scopes)),
    },
  };
}

async function noteUse(database: Database, id: number): Promise<void> {
  await database.kysely
    .updateTable("api_tokens")
    .set({ last_used_at_ms: dbNowMs(database.engine) })
    .where("id", "=", id)
    .execute();
}

/** The person's tokens that work, newest first. */
export function listTokens(database: Database, db: Queries, userId: string): Promise<Row<"api_tokens">[]> {
  return db
    .selectFrom("api_tokens")
    .selectAll()
    .where("user_id", "=", userId)
    .where("expires_at_ms", ">", dbNowMs(database.engine))
    .orderBy("id", "desc")
    .execute();
}

/** @returns whether there was such a token of the person */
export async function deleteToken(tx: Queries, userId: string, id: number): Promise<boolean> {
  const gone = await tx
    .deleteFrom("api_tokens")
    .where("id", "=", id)
    .where("user_id", "=", userId)
    .returning("id")
    .executeTakeFirst();
  return gone !== undefined;
}

/** Takes away tokens of the person that have expired; they are of no use and would pile up. */
export async function deleteExpired(database: Database, tx: Queries, userId: string): Promise<void> {
  await tx
    .deleteFrom("api_tokens")
    .where("user_id", "=", userId)
    .where("expires_at_ms", "<=", dbNowMs(database.engine))
    .execute();
}
