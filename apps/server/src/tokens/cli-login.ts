import { randomInt } from "node:crypto";
import type { CliLoginApproval, CliLoginState, CliLoginView } from "@windshift/contract/api/cli-login.ts";
import { AppError, assert } from "@windshift/contract/app-error.ts";
import { CLI_LOGIN_MS_MAX, CLI_LOGIN_POLL_S } from "@windshift/contract/limits.ts";
import { createToken, hashToken } from "@windshift/contract/tokens.ts";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import { type Database, dbNowMs } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { isoTime } from "../http/json.ts";
import { addApiToken } from "./api-token.ts";
import { Scopes } from "./api-token-store.ts";
import {
  deleteCliLogin,
  deleteExpiredCliLogins,
  findCliLogin,
  findCliLoginByPoll,
  makeRoom,
} from "./cli-login-store.ts";

/**
 * Sign-ins of `ws` that wait at once, in the whole installation. Beyond it the oldest of the network that has most gives way,
 * so that a flood from one place closes the door to nobody else.
 */
const WAITING_MAX = 1_000;
/** Consonants that no eye takes for another one, so that codes spell no words either. */
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";

/**
 * Begins a sign-in of `ws`: it says a code to the person and waits until that is approved in a browser.
 */
export async function startCliLogin(
  database: Database,
  client: { name: string; address: string | undefined },
  waitingMax = WAITING_MAX,
): Promise<{ row: Row<"cli_logins">; pollSecret: string }> {
  await deleteExpiredCliLogins(database);
  await makeRoom(database.kysely, waitingMax);
  const pollSecret = createToken("cli_login");
  const now = dbNowMs(database.engine);
  const row = await database.kysely
    .insertInto("cli_logins")
    .values((eb) => ({
      user_code: createUserCode(),
      poll_hash: hashToken(pollSecret),
      client_name: client.name,
      address: client.address ?? null,
      state: "pending",
      user_id: null,
      scopes: null,
      token_days: null,
      created_at_ms: now,
      expires_at_ms: eb(now, "+", CLI_LOGIN_MS_MAX),
    }))
    .returningAll()
    .executeTakeFirstOrThrow();
  return { row, pollSecret };
}

/**
 * Approves or denies a sign-in in the name of the person who looks at its code. The token is made when `ws` fetches it,
 * so that it is stored nowhere in clear.
 * @throws AppError `not_found` for an unknown or expired code; `conflict` when it was decided before
 */
export async function decideCliLogin(
  database: Database,
  userCode: string,
  decision: CliLoginApproval | "denied",
  by: ActingPerson,
): Promise<CliLoginView> {
  return database.transaction(async (tx) => {
    const login = await findCliLogin(database, tx, userCode);
    const approved = decision !== "denied";
    const changed = await tx
      .updateTable("cli_logins")
      .set({
        state: approved ? "approved" : "denied",
        user_id: by.user,
        scopes: approved ? JSON.stringify(decision.scopes) : null,
        token_days: approved ? decision.expires_in_days : null,
      })
      .where("id", "=", login.id)
      .where("state", "=", "pending")
      .returningAll()
      .executeTakeFirst();
    if (changed === undefined) throw new AppError("conflict", `this sign-in was ${login.state} already`);
    await record(tx, {
      workspaceId: null,
      actor: { user: by.user },
      action: `cli_login.${changed.state}`,
      subject: `cli login ${login.id}`,
      data: { client: login.client_name, from: login.address ?? "unknown", ip: by.ip ?? "unknown" },
    });
    return viewCliLogin(changed);
  });
}

/**
 * What became of a sign-in. `approved` is said once: it makes the token and forgets the sign-in.
 * @throws AppError `not_found` for an unknown, used or expired secret
 */
export async function pollCliLogin(database: Database, pollSecret: string): Promise<CliLoginState> {
  return database.transaction(async (tx) => {
    const login = await findCliLoginByPoll(database, tx, hashToken(pollSecret));
    if (login.state === "pending") return { state: "pending" as const, interval_s: CLI_LOGIN_POLL_S };
    if (!(await deleteCliLogin(tx, login.id)))
      throw new AppError("not_found", "this sign-in was used already");
    if (login.state === "denied") return { state: "denied" as const };
    assert(login.user_id !== null && login.scopes !== null, "an approved sign-in has a person and scopes");
    const user = await tx
      .selectFrom("user")
      .select(["id", "name", "email"])
      .where("id", "=", login.user_id)
      .where("disabled_at_ms", "is", null)
      .executeTakeFirst();
    if (user === undefined) return { state: "denied" as const };
    const scopes = Scopes.parse(JSON.parse(login.scopes));
    const wanted = { name: login.client_name, scopes, expires_in_days: login.token_days ?? 1 };
    const owner = { user: user.id, ip: login.address ?? undefined };
    const { row, token } = await addApiToken(database, tx, wanted, owner);
    return { state: "approved" as const, token, expires_at: isoTime(row.expires_at_ms), scopes, user };
  });
}

/** As the page shows it that asks the person; without what the program waits with. */
export function viewCliLogin(row: Row<"cli_logins">): CliLoginView {
  return {
    user_code: row.user_code,
    client_name: row.client_name,
    address: row.address,
    state: row.state === "approved" ? "approved" : row.state === "denied" ? "denied" : "pending",
    created_at: isoTime(row.created_at_ms),
    expires_at: isoTime(row.expires_at_ms),
  };
}

/** 20^8 = 2.5e10 codes; one is worth nothing without a signed-in person who approves it. */
function createUserCode(): string {
  const letters = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}
