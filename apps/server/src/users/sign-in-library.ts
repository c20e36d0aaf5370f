import { redact } from "@windshift/base/redact.ts";
import { PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN } from "@windshift/contract/limits.ts";
import type { BetterAuthOptions } from "better-auth";
import { ownOrigins } from "../http/same-origin.ts";
import { ADDRESS_HEADER, type SignInOptions } from "./sign-in.ts";

/** What is used of the sign-in library. */
export interface AuthLibrary {
  handle(request: Request): Promise<Response>;
  findSession(headers: Headers): Promise<FoundSession | undefined>;
  hashPassword(password: string): Promise<string>;
}

export interface FoundSession {
  user: { id: string; name: string; kind: string; admin: number };
  session: { createdAt: Date };
  setCookies: string[];
}

/** A session that is not used for this long ends, s. */
const SESSION_IDLE_S = 7 * 86_400;
/** How often a session in use is written, s. */
const SESSION_UPDATE_S = 86_400;
/** Tries to sign in from one address, in this many seconds. */
const TRIES_MAX = 10;
const TRIES_WINDOW_S = 60;

export async function loadAuth(options: SignInOptions): Promise<AuthLibrary> {
  const [{ betterAuth }, { hashPassword }] = await Promise.all([
    import("better-auth"),
    import("better-auth/crypto"),
  ]);
  const auth = betterAuth(authOptions(options));
  return {
    handle: (request) => auth.handler(request),
    hashPassword,
    findSession: async (headers) => {
      const { headers: reply, response } = await auth.api.getSession({ headers, returnHeaders: true });
      return response === null ? undefined : { ...response, setCookies: reply.getSetCookie() };
    },
  };
}

/** As the drift test needs them too. */
export function authOptions(options: SignInOptions) {
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
    },
    user: {
      additionalFields: {
        kind: { type: "string", required: true, defaultValue: "person", input: false },
        admin: { type: "number", required: true, defaultValue: 0, input: false },
      },
    },
    session: { expiresIn: SESSION_IDLE_S, updateAge: SESSION_UPDATE_S },
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
