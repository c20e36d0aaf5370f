import { NewOidcLink, OidcLink, type OidcProblem } from "@windshift/contract/api/oidc.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Context } from "hono";
import type { Database } from "../db/database.ts";
import { type ApiEnv, actingPersonOf, addressOf } from "../http/api-env.ts";
import { toAppError } from "../http/error-reply.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import type { Log } from "../http/log.ts";
import type { RouteTable } from "../http/route-table.ts";
import { TryLimit } from "../http/try-limit.ts";
import {
  beginOidc,
  findOidcUser,
  linkOidcUser,
  OIDC_LOGIN_MS_MAX,
  OidcRefusal,
  takeOidcLogin,
  unlinkOidcUser,
} from "./oidc-login.ts";
import { OIDC_SIGN_IN_PATH, type OidcIdentity, type OidcProvider } from "./oidc-provider.ts";
import { requireOwnPassword } from "./own-account.ts";
import type { SignIn } from "./sign-in.ts";
import { findPasswordHash } from "./user-store.ts";

export interface OidcRoutePorts {
  database: Database;
  signIn: SignIn;
  baseUrl: string;
  log: Log;
  /** Undefined where no provider is configured. */
  provider: OidcProvider | undefined;
  /** Sign-ins that one address may begin in a minute, and answers it may bring; 30 by default. */
  triesMax?: number | undefined;
}

const CALLBACK_PATH = "/api/oidc/callback";
/** Sign-ins and answers of one address in a minute: many people may come from one. */
const TRIES_MAX = 30;
const TRIES_WINDOW_MS = 60_000;
/** Passwords that one person may try in a minute before their account is connected. */
const PASSWORD_TRIES_MAX = 10;
/** Longest path that a sign-in goes back to, characters. */
const RETURN_TO_CHARS_MAX = 2_000;

/** Sign-in by an OpenID Connect provider, and accounts that are connected with it. */
export function addOidcRoutes(table: RouteTable, ports: OidcRoutePorts): void {
  const tries = new TryLimit({ tries: ports.triesMax ?? TRIES_MAX, windowMs: TRIES_WINDOW_MS });
  table.mount(["GET"], OIDC_SIGN_IN_PATH, "public", async (c) => {
    const returnTo = ownPath(c.req.query("return_to"), ports.baseUrl);
    return start(c, ports, tries, { returnTo, linkUser: undefined });
  });
  table.mount(["GET"], CALLBACK_PATH, "public", (c) => end(c, ports, tries));
  addLinks(table, ports);
}

function addLinks(table: RouteTable, ports: OidcRoutePorts): void {
  const tries = new TryLimit({ tries: PASSWORD_TRIES_MAX, windowMs: TRIES_WINDOW_MS });
  table.add(
    {
      method: "post",
      path: "/api/v1/me/oidc",
      access: "session",
      summary:
        "Begin to connect the caller's account with the sign-in provider; asks for the password of who has one",
      request: { body: jsonBody(NewOidcLink) },
      responses: { 200: jsonReply(OidcLink, "Where the browser goes") },
    },
    async (c) => {
      const { user: linkUser } = actingPersonOf(c);
      tries.require(linkUser);
      const { current_password } = c.req.valid("json");
      await requireOwnPassword(ports.database.kysely, ports.signIn, linkUser, current_password);
      const { url, cookie } = await begin(ports, { returnTo: "/account", linkUser }).catch(inApiWords);
      c.header("set-cookie", cookie);
      return c.json({ url }, 200);
    },
  );
  table.add(
    {
      method: "delete",
      path: "/api/v1/me/oidc",
      access: "session",
      summary: "Part the caller's account from the sign-in provider",
      responses: { 204: { description: "Parted" } },
    },
    async (c) => {
      const by = actingPersonOf(c);
      const hash = await findPasswordHash(ports.database.kysely, by.user);
      await unlinkOidcUser(ports.database, by, hash !== undefined);
      return c.body(null, 204);
    },
  );
}

async function start(
  c: Context<ApiEnv>,
  ports: OidcRoutePorts,
  tries: TryLimit,
  wanted: { returnTo: string; linkUser: undefined },
): Promise<Response> {
  try {
    tries.require(addressOf(c));
    const { url, cookie } = await begin(ports, wanted);
    return redirect(url, [cookie]);
  } catch (error) {
    return refused(c, ports, error, "/login");
  }
}

/** The browser comes back from the provider, by a link from another site. */
async function end(c: Context<ApiEnv>, ports: OidcRoutePorts, tries: TryLimit): Promise<Response> {
  const { database, provider, baseUrl } = ports;
  let from = "/login";
  try {
    tries.require(addressOf(c));
    const login = await takeOidcLogin(database, c.req.query("state") ?? "", browserSecretOf(c, baseUrl));
    if (login.link_user_id !== null) from = "/account";
    const ip = addressOf(c);
    const identity = await readIdentity(c, requireProvider(provider), login, baseUrl);
    if (login.link_user_id !== null) {
      const session = await ports.signIn.find(c.req.raw.headers);
      if (session?.person.userId !== login.link_user_id) throw new OidcRefusal("oidc_stale");
      await linkOidcUser(database, identity, { user: login.link_user_id, ip });
      return redirect(login.return_to, [browserCookie(baseUrl, "", 0)]);
    }
    const { autoCreate } = requireProvider(provider).settings;
    const userId = await findOidcUser(database, identity, autoCreate, ip);
    const cookies = await ports.signIn.createSession(userId, c.req.raw, ip).catch((cause: unknown) => {
      const disabled = cause instanceof AppError && cause.code === "unauthenticated";
      throw disabled ? new OidcRefusal("oidc_disabled", { cause }) : cause;
    });
    return redirect(login.return_to, [...cookies, browserCookie(baseUrl, "", 0)]);
  } catch (error) {
    return refused(c, ports, error, from);
  }
}

async function begin(
  { database, provider, baseUrl }: OidcRoutePorts,
  wanted: { returnTo: string; linkUser: string | undefined },
): Promise<{ url: string; cookie: string }> {
  const redirectUri = baseUrl + CALLBACK_PATH;
  const { url, browserSecret } = await beginOidc(database, requireProvider(provider), {
    ...wanted,
    redirectUri,
  });
  return { url, cookie: browserCookie(baseUrl, browserSecret, OIDC_LOGIN_MS_MAX / 1_000) };
}

async function readIdentity(
  c: Context<ApiEnv>,
  provider: OidcProvider,
  login: { nonce: string; code_verifier: string },
  baseUrl: string,
): Promise<OidcIdentity> {
  if (c.req.query("error") === "access_denied") throw new OidcRefusal("oidc_refused");
  const answer = new URL(baseUrl + CALLBACK_PATH + new URL(c.req.url).search);
  const checks = {
    state: c.req.query("state") ?? "",
    nonce: login.nonce,
    codeVerifier: login.code_verifier,
  };
  return provider.end(answer, checks).catch((cause: unknown) => {
    throw new OidcRefusal("oidc_failed", { cause });
  });
}

/**
 * A page says why, in a sentence for the code in its address, as the answer stands in the window of a browser; what the
 * provider did, and our own failures, go to the log.
 */
function refused(
  c: Context<ApiEnv>,
  { log, baseUrl }: OidcRoutePorts,
  error: unknown,
  page: string,
): Response {
  const problem = problemOf(error);
  const requestId = c.get("requestId");
  if (problem === "oidc_broken") toAppError(error, requestId, log);
  else {
    const cause =
      error instanceof Error && error.cause instanceof Error ? messagesOf(error.cause) : undefined;
    log.warn({ problem, cause, requestId }, "a sign-in by the provider was refused");
  }
  // Who came too often has used up nothing: the sign-in may go on in a minute.
  return redirect(
    `${page}?problem=${problem}`,
    problem === "oidc_busy" ? [] : [browserCookie(baseUrl, "", 0)],
  );
}

function problemOf(error: unknown): OidcProblem {
  if (error instanceof OidcRefusal) return error.problem;
  if (!(error instanceof AppError)) return "oidc_broken";
  return error.code === "rate_limited"
    ? "oidc_busy"
    : error.code === "not_found"
      ? "oidc_off"
      : "oidc_broken";
}

/** With the code of an OAuth error, which stands beside its message. */
function messagesOf(error: Error): string {
  const code = "error" in error && typeof error.error === "string" ? ` (${error.error.slice(0, 100)})` : "";
  const text = error.message + code;
  return error.cause instanceof Error ? `${text}: ${messagesOf(error.cause)}` : text;
}

function inApiWords(error: unknown): never {
  if (error instanceof OidcRefusal)
    throw new AppError("upstream_failed", "the sign-in provider does not answer; try again", {
      cause: error,
    });
  throw error;
}

function requireProvider(provider: OidcProvider | undefined): OidcProvider {
  if (provider === undefined) throw new AppError("not_found", "no sign-in provider is configured here");
  return provider;
}

function redirect(location: string, cookies: readonly string[]): Response {
  const response = new Response(null, { status: 302, headers: { location, "cache-control": "no-store" } });
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  return response;
}

/** A path of ours to go on with: an address that a browser would take for another site's becomes `/` (WB-08). */
export function ownPath(wanted: string | undefined, baseUrl: string): string {
  const one = /^\/(?![/\\])/;
  if (wanted === undefined || wanted.length > RETURN_TO_CHARS_MAX || !one.test(wanted)) return "/";
  const url = URL.parse(wanted, baseUrl);
  // What is read as a path may begin with two slashes after its dots are gone.
  if (url?.origin !== new URL(baseUrl).origin || !one.test(url.pathname)) return "/";
  return url.pathname + url.search + url.hash;
}

/** Binds a sign-in to the browser it began in; it is sent along when the provider sends the browser back. */
function browserCookie(baseUrl: string, value: string, maxAgeS: number): string {
  const secure = baseUrl.startsWith("https://") ? "; Secure" : "";
  return `${cookieName(baseUrl)}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeS}${secure}`;
}
function browserSecretOf(c: Context<ApiEnv>, baseUrl: string): string | undefined {
  const start = `${cookieName(baseUrl)}=`;
  const pairs = (c.req.header("cookie") ?? "").split("; ");
  return pairs.find((pair) => pair.startsWith(start))?.slice(start.length);
}
function cookieName(baseUrl: string): string {
  return baseUrl.startsWith("https://") ? "__Host-windshift.oidc" : "windshift.oidc";
}
