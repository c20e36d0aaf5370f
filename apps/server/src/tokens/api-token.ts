import { type ApiToken, type NewApiToken, TokenScope } from "@windshift/contract/api/token.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { API_TOKENS_MAX } from "@windshift/contract/limits.ts";
import { createToken, hashToken } from "@windshift/contract/tokens.ts";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { isoTime } from "../http/json.ts";
import { deleteExpired, deleteToken, listTokens, Scopes } from "./api-token-store.ts";

/** A day of UTC, ms. */
const DAY_MS = 86_400_000;

/**
 * Makes a token for a person, in the caller's transaction.
 * @returns its row, and the token itself, which nobody can show again
 * @throws AppError `conflict` when the person has too many
 */
export async function addApiToken(
  database: Database,
  tx: Queries,
  wanted: NewApiToken,
  owner: ActingPerson,
): Promise<{ row: Row<"api_tokens">; token: string }> {
  await deleteExpired(database, tx, owner.user);
  if ((await listTokens(database, tx, owner.user)).length >= API_TOKENS_MAX)
    throw new AppError("conflict", `you have ${API_TOKENS_MAX} API tokens; delete one that is not used`);
  const token = createToken("person");
  const now = dbNowMs(database.engine);
  const scopes = TokenScope.options.filter((scope) => wanted.scopes.includes(scope));
  const row = await tx
    .insertInto("api_tokens")
    .values((eb) => ({
      user_id: owner.user,
      name: wanted.name,
      token_hash: hashToken(token),
      scopes: JSON.stringify(scopes),
      created_at_ms: now,
      expires_at_ms: eb(now, "+", wanted.expires_in_days * DAY_MS),
      last_used_at_ms: null,
    }))
    .returningAll()
    .executeTakeFirstOrThrow();
  await record(tx, {
    workspaceId: null,
    actor: { user: owner.user },
    action: "token.created",
    subject: `token ${row.id}`,
    data: { name: wanted.name, scopes: scopes.join(" "), ip: owner.ip ?? "unknown" },
  });
  return { row, token };
}

/**
 * Ends a token at once.
 * @throws AppError `not_found` when it is not one of the person's
 */
export async function revokeApiToken(database: Database, id: number, owner: ActingPerson): Promise<void> {
  await database.transaction(async (tx) => {
    if (!(await deleteToken(tx, owner.user, id))) throw new AppError("not_found", "not found");
    await record(tx, {
      workspaceId: null,
      actor: { user: owner.user },
      action: "token.deleted",
      subject: `token ${id}`,
      data: { ip: owner.ip ?? "unknown" },
    });
  });
}

/** @param current id of the token that speaks in this request, if one does */
export function viewToken(row: Row<"api_tokens">, current: number | undefined): ApiToken {
  return {
    id: row.id,
    name: row.name,
    scopes: Scopes.parse(JSON.parse(row.scopes)),
    created_at: isoTime(row.created_at_ms),
    expires_at: isoTime(row.expires_at_ms),
    last_used_at: row.last_used_at_ms === null ? null : isoTime(row.last_used_at_ms),
    current: row.id === current,
  };
}
