import { randomBytes } from "node:crypto";
import type { OidcProblem } from "@windshift/contract/api/oidc.ts";
import { NewPerson } from "@windshift/contract/api/user.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { hashToken } from "@windshift/contract/tokens.ts";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { OidcIdentity, OidcProvider } from "./oidc-provider.ts";
import { findUser, insertPerson } from "./user-store.ts";

/** How long a person may take at the provider, ms. */
export const OIDC_LOGIN_MS_MAX = 600_000;
/** Sign-ins that are on their way at once, in the whole installation; beyond it the oldest gives way to who comes. */
const WAITING_MAX = 10_000;

/** A sign-in by the provider that came to nothing, for a reason that the person is told. */
export class OidcRefusal extends Error {
  constructor(
    readonly problem: OidcProblem,
    options: ErrorOptions = {},
  ) {
    super(problem, options);
  }
}

/**
 * Begins a sign-in, or the connection of the account of somebody who is signed in.
 * @returns where the browser goes, and what it keeps in a cookie until it comes back
 * @throws OidcRefusal when the provider does not answer
 */
export async function beginOidc(
  database: Database,
  provider: OidcProvider,
  wanted: { redirectUri: string; returnTo: string; linkUser: string | undefined },
  waitingMax = WAITING_MAX,
): Promise<{ url: string; browserSecret: string }> {
  await makeRoom(database, waitingMax);
  const { url, state, nonce, codeVerifier } = await provider
    .begin(wanted.redirectUri)
    .catch((cause: unknown) => {
      throw new OidcRefusal("oidc_unreachable", { cause });
    });
  const browserSecret = randomBytes(32).toString("base64url");
  await database.kysely
    .insertInto("oidc_logins")
    .values((eb) => ({
      state_hash: hashToken(state),
      browser_hash: hashToken(browserSecret),
      nonce,
      code_verifier: codeVerifier,
      return_to: wanted.returnTo,
      link_user_id: wanted.linkUser ?? null,
      expires_at_ms: eb(dbNowMs(database.engine), "+", OIDC_LOGIN_MS_MAX),
    }))
    .execute();
  return { url, browserSecret };
}

/**
 * Takes a sign-in out of the store: whatever comes of it, its state is used up (WB-08).
 * @throws OidcRefusal for one that is unknown, used, too old, or of another browser
 */
export async function takeOidcLogin(
  database: Database,
  state: string,
  browserSecret: string | undefined,
): Promise<Row<"oidc_logins">> {
  const login = await database.kysely
    .deleteFrom("oidc_logins")
    .where("state_hash", "=", hashToken(state))
    .where("browser_hash", "=", hashToken(browserSecret ?? ""))
    .where("expires_at_ms", ">", dbNowMs(database.engine))
    .returningAll()
    .executeTakeFirst();
  if (login === undefined) throw new OidcRefusal("oidc_stale");
  return login;
}

/**
 * The account of an identity: issuer and subject, and nothing else. An e-mail address never leads to an account that
 * exists, as whoever runs a provider can write any address there (WB-08).
 * @returns the user id
 * @throws OidcRefusal
 */
export async function findOidcUser(
  database: Database,
  identity: OidcIdentity,
  autoCreate: boolean,
  ip: string | undefined,
): Promise<string> {
  const known = await findIdentity(database.kysely, identity);
  if (known !== undefined) return known;
  if (!autoCreate) throw new OidcRefusal("oidc_unknown");
  const parsed = NewPerson.shape.email.safeParse(identity.email);
  if (!parsed.success || !identity.emailVerified) throw new OidcRefusal("oidc_email_unverified");
  const email = parsed.data;
  const name = NewPerson.shape.name.safeParse(identity.name).data ?? email;
  return database
    .transaction(async (tx) => {
      const id = await insertPerson(tx, { name, email, passwordHash: undefined, admin: false });
      await connect(tx, identity, { user: id, ip }, "user.created");
      return id;
    })
    .catch(async (error: unknown) => {
      // Two windows at once: the other one made the account.
      const other = await findIdentity(database.kysely, identity);
      if (other !== undefined) return other;
      throw error instanceof AppError && error.code === "conflict"
        ? new OidcRefusal("oidc_email_taken", { cause: error })
        : error;
    });
}

/** Connects the account of somebody who is signed in. @throws OidcRefusal when the identity or the account has another one */
export async function linkOidcUser(
  database: Database,
  identity: OidcIdentity,
  by: ActingPerson,
): Promise<void> {
  await database.transaction(async (tx) => {
    const user = await findUser(tx, by.user);
    const holder = await findIdentity(tx, identity);
    if (holder === by.user) return;
    if (user === undefined || holder !== undefined || (await hasIdentity(tx, by.user)))
      throw new OidcRefusal("oidc_taken");
    await connect(tx, identity, by, "user.oidc_linked");
  });
}

/** @throws AppError `conflict` for who could not sign in any more */
export async function unlinkOidcUser(
  database: Database,
  by: ActingPerson,
  hasPassword: boolean,
): Promise<void> {
  if (!hasPassword)
    throw new AppError("conflict", "you have no password to sign in with; ask an administrator for a link");
  await database.transaction(async (tx) => {
    const gone = await tx
      .deleteFrom("oidc_identities")
      .where("user_id", "=", by.user)
      .returning("subject")
      .execute();
    if (gone.length > 0) await tell(tx, by, "user.oidc_unlinked", {});
  });
}

/** Whether a person can sign in by a provider. */
export async function hasIdentity(db: Queries, userId: string): Promise<boolean> {
  const row = await db
    .selectFrom("oidc_identities")
    .select("user_id")
    .where("user_id", "=", userId)
    .executeTakeFirst();
  return row !== undefined;
}

async function findIdentity(db: Queries, identity: OidcIdentity): Promise<string | undefined> {
  const row = await db
    .selectFrom("oidc_identities")
    .select("user_id")
    .where("issuer", "=", identity.issuer)
    .where("subject", "=", identity.subject)
    .executeTakeFirst();
  return row?.user_id;
}

async function connect(tx: Queries, identity: OidcIdentity, by: ActingPerson, action: string): Promise<void> {
  const { issuer, subject } = identity;
  await tx
    .insertInto("oidc_identities")
    .values({ issuer, subject, user_id: by.user, created_at_ms: Date.now() })
    .execute();
  await tell(tx, by, action, { by: "oidc", issuer });
}

function tell(tx: Queries, by: ActingPerson, action: string, data: Record<string, string>): Promise<void> {
  return record(tx, {
    workspaceId: null,
    actor: { user: by.user },
    action,
    subject: `user ${by.user}`,
    data: { ...data, ip: by.ip ?? "unknown" },
  });
}

async function makeRoom(database: Database, max: number): Promise<void> {
  await database.kysely
    .deleteFrom("oidc_logins")
    .where("expires_at_ms", "<=", dbNowMs(database.engine))
    .execute();
  const { count } = await database.kysely
    .selectFrom("oidc_logins")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  if (count < max) return;
  await database.kysely
    .deleteFrom("oidc_logins")
    .where("state_hash", "in", (eb) =>
      eb
        .selectFrom("oidc_logins")
        .select("state_hash")
        .orderBy("expires_at_ms")
        .limit(count - max + 1),
    )
    .execute();
}
