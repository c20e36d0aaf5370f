import { redact } from "@windshift/base/redact.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN } from "@windshift/contract/limits.ts";
import type { BetterAuthOptions } from "better-auth";
import { z } from "zod";
import { record } from "../audit/audit-store.ts";
import type { Database } from "../db/database.ts";
import { ownOrigins } from "../http/same-origin.ts";
import { ADDRESS_HEADER, type PasswordHashing, type SignInOptions } from "./sign-in.ts";

/** What is used of the sign-in library. */
export interface AuthLibrary {
  handle(request: Request): Promise<Response>;
  findSession(headers: Headers): Promise<FoundSession | undefined>;
  hashPassword(password: string): Promise<string>;
  verifyPassword(password: string, hash: string): Promise<boolean>;
  /** Signs a person in who was found out otherwise. @returns the cookies */
  createSession(userId: string, headers: Headers): Promise<string[]>;
}

export interface FoundSession {
  user: {
    id: string;
    name: string;
    kind: string;
    admin: number;
    disabled_at_ms?: number | null | undefined;
  };
  session: { id: string; createdAt: Date };
  setCookies: string[];
}

/** A session that is not used for this long ends, s. */
const SESSION_IDLE_S = 7 * 86_400;
/** How often a session in use is written, s. */
const SESSION_UPDATE_S = 86_400;
/** Tries to sign in from one address, in this many seconds. */
const TRIES_MAX = 10;
const TRIES_WINDOW_S = 60;

/** Loads the library when somebody signs in first: it takes longer than all the rest of a start. */
export async function loadAuth(options: SignInOptions): Promise<AuthLibrary> {
  const [{ betterAuth }, passwords, { createAuthEndpoint }, { setSessionCookie }] = await Promise.all([
    import("better-auth"),
    options.passwords ?? loadPasswordHashing(),
    import("better-auth/api"),
    import("better-auth/cookies"),
  ]);
  // Called by our own code only: SignIn.handle opens no path of that name.
  const signInPerson = createAuthEndpoint(
    "/windshift/sign-in",
    { method: "POST", body: z.object({ userId: z.string() }), metadata: { SERVER_ONLY: true } },
    async (ctx) => {
      const user = await ctx.context.internalAdapter.findUserById(ctx.body.userId);
      const session = user && (await ctx.context.internalAdapter.createSession(user.id));
      if (!user || !session) throw new AppError("unauthenticated", "this account cannot sign in");
      await setSessionCookie(ctx, { session, user });
      return {};
    },
  );
  const auth = betterAuth({
    ...authOptions(options, passwords),
    plugins: [{ id: "windshift", endpoints: { signInPerson } }],
  });
  return {
    handle: (request) => auth.handler(request),
    ...passwords,
    createSession: async (userId, headers) => {
      const { headers: reply } = await auth.api.signInPerson({
        body: { userId },
        headers,
        returnHeaders: true,
      });
      return reply.getSetCookie();
    },
    findSession: async (headers) => {
      const { headers: reply, response } = await auth.api.getSession({ headers, returnHeaders: true });
      return response === null ? undefined : { ...response, setCookies: reply.getSetCookie() };
    },
  };
}

/** The library's own: scrypt. */
async function loadPasswordHashing(): Promise<PasswordHashing> {
  const { hashPassword, verifyPassword } = await import("better-auth/crypto");
  return { hashPassword, verifyPassword: (password, hash) => verifyPassword({ password, hash }) };
}

/** As the drift test needs them too. @param passwords the library's own by default */
export function authOptions(options: SignInOptions, passwords?: PasswordHashing) {
  const secure = options.baseUrl.startsWith("https://");
  return {
    appName: "Windshift",
    baseURL: options.baseUrl,
    basePath: "/api/auth",
    secret: options.secret,
    database: { db: options.database.kysely, type: options.database.engine },
    trustedOrigins: (request?: Request) => ownOrigins(options.baseUrl, request?.headers ?? new Headers()),
    telemetry: { enabled: false },
    logger: {
      level: "warn",
      log: (level, message) =>
        options.log[level === "error" ? "error" : "warn"]({ from: "sign-in" }, redact(message)),
    },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: PASSWORD_CHARS_MIN,
      maxPasswordLength: PASSWORD_CHARS_MAX,
      ...(passwords && {
        password: {
          hash: passwords.hashPassword,
          verify: ({ password, hash }: { password: string; hash: string }) =>
            passwords.verifyPassword(password, hash),
        },
      }),
    },
    user: {
      additionalFields: {
        kind: { type: "string", required: true, defaultValue: "person", input: false },
        admin: { type: "number", required: true, defaultValue: 0, input: false },
        disabled_at_ms: { type: "number", required: false, input: false },
      },
    },
    session: { expiresIn: SESSION_IDLE_S, updateAge: SESSION_UPDATE_S },
    // What is no refusal goes to our own log and answer; the library would write it to the console as it is (WB-24).
    onAPIError: { throw: true },
    databaseHooks: {
      session: { create: { before: (session) => admitSession(options.database, session) } },
    },
    rateLimit: {
      enabled: true,
      storage: "memory",
      customRules: { "/sign-in/email": { window: TRIES_WINDOW_S, max: options.triesMax ?? TRIES_MAX } },
    },
    advanced: {
      // The library's own prefix for secure cookies is weaker than __Host-, so it is switched off for ours.
      useSecureCookies: false,
      cookiePrefix: secure ? "__Host-windshift" : "windshift",
      defaultCookieAttributes: { secure, httpOnly: true, sameSite: "lax", path: "/" },
      ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
      // It would switch these off by itself when NODE_ENV is test.
      disableOriginCheck: false,
      disableCSRFCheck: false,
    },
  } satisfies BetterAuthOptions;
}

/**
 * Whoever is disabled gets no session, whatever they signed in with; and nobody does whose sign-in cannot be written to
 * the audit log (WB-18).
 */
async function admitSession(
  database: Database,
  session: { userId: string; ipAddress?: string | null | undefined },
): Promise<boolean> {
  const row = await database.kysely
    .selectFrom("user")
    .select("id")
    .where("id", "=", session.userId)
    .where("kind", "=", "person")
    .where("disabled_at_ms", "is", null)
    .executeTakeFirst();
  if (row === undefined) return false;
  await record(database.kysely, {
    workspaceId: null,
    actor: { user: session.userId },
    action: "user.signed_in",
    subject: `user ${session.userId}`,
    data: { ip: session.ipAddress || "unknown" },
  });
  return true;
}
