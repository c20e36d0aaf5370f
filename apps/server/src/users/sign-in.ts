import { AppError } from "@windshift/contract/app-error.ts";
import type { ErrorCode } from "@windshift/contract/error-codes.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { errorResponse } from "../http/error-reply.ts";
import type { Log } from "../http/log.ts";
import type { Sessions } from "../http/principal.ts";
import { requireJson, requireSameOrigin } from "../http/same-origin.ts";
import { FailedSignIns } from "./failed-sign-in.ts";
import { type AuthLibrary, loadAuth } from "./sign-in-library.ts";

export interface SignInOptions {
  database: Database;
  /** As browsers see the server. */
  baseUrl: string;
  /** Signs the cookies; see derivedKey. */
  secret: string;
  log: Log;
  /** Tries to sign in from one address in a minute; more are answered 429. */
  triesMax?: number;
  /** In place of the library's own, which takes a core 60 ms a password as it should. No setting reaches this; tests do. */
  passwords?: PasswordHashing | undefined;
}

/** How passwords are kept. */
export type PasswordHashing = Pick<SignIn, "hashPassword" | "verifyPassword">;

/** E-mail and password sessions. */
export interface SignIn extends Sessions {
  /** Answers what is below /api/auth. */
  handle(request: Request, address: string | undefined): Promise<Response>;
  hashPassword(password: string): Promise<string>;
  verifyPassword(password: string, hash: string): Promise<boolean>;
  /**
   * Signs a person in who was found out otherwise, by a provider for instance.
   * @returns the cookies that go out with the answer
   * @throws AppError `unauthenticated` when the account is gone or disabled
   */
  createSession(userId: string, request: Request, address: string | undefined): Promise<string[]>;
}

/** Where the sign-in library looks for the caller's address; what a caller writes there is thrown away (WB-23). */
export const ADDRESS_HEADER = "x-windshift-client-address";
/** What the sign-in library may answer. The rest of its surface is closed: it shows scripts what only cookies may hold. */
const SIGN_IN_PATH = "/sign-in/email";
const OPEN_PATHS = new Set([SIGN_IN_PATH, "/sign-out"]);
/** Answers to a sign-in that say somebody is not let in, rather than that the request makes no sense. */
const REFUSALS = new Set([401, 403, 429]);
/** A session ends this long after sign-in, however much it is used, ms. */
const SESSION_MS_MAX = 30 * 86_400_000;

/** The library is loaded when somebody first signs in or shows a cookie: it costs a tenth of a second and some memory. */
export function createSignIn(options: SignInOptions): SignIn {
  const failed = new FailedSignIns(options);
  let loading: Promise<AuthLibrary> | undefined;
  const auth = () => {
    loading ??= loadAuth(options);
    return loading;
  };
  return {
    hashPassword: async (password) => (await auth()).hashPassword(password),
    verifyPassword: async (password, hash) => (await auth()).verifyPassword(password, hash),
    createSession: async (userId, request, address) =>
      (await auth()).createSession(userId, withAddress(request, address).headers),
    find: async (headers) => {
      const found = await (await auth()).findSession(headers);
      if (found === undefined || found.user.kind !== "person") return undefined;
      if (typeof found.user.disabled_at_ms === "number") return undefined;
      if (Date.now() - found.session.createdAt.getTime() > SESSION_MS_MAX) return undefined;
      const { id, name, admin } = found.user;
      return {
        person: {
          kind: "person",
          userId: id,
          name,
          admin: admin === 1,
          via: { kind: "session", id: found.session.id },
        },
        setCookies: found.setCookies,
      };
    },
    handle: async (request, address) => {
      const path = new URL(request.url).pathname.replace(/^\/api\/auth/, "");
      if (!OPEN_PATHS.has(path)) throw new AppError("not_found", `there is nothing at /api/auth${path}`);
      const signedIn = request.headers.has("cookie") ? "session" : "no session";
      requireSameOrigin(request, options.baseUrl, signedIn);
      requireJson(request);
      const copy = path === SIGN_IN_PATH ? request.clone() : undefined;
      const reply = await (await auth()).handle(withAddress(request, address));
      const code = REFUSALS.has(reply.status) ? CODE_OF_STATUS[reply.status] : undefined;
      if (copy !== undefined && code !== undefined)
        await failed.tell(code, await copy.json().catch(() => undefined), address);
      return withoutToken(await inOurWords(reply));
    },
  };
}

/** The library says the session's token in the body too; it belongs in the cookie, where no script reads it (WB-07). */
async function withoutToken(response: Response): Promise<Response> {
  if (response.status >= 400) return response;
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  return Response.json({}, { status: response.status, headers });
}

/** Errors of the library look like all others of the API. */
async function inOurWords(response: Response): Promise<Response> {
  if (response.status < 400) return response;
  const code = CODE_OF_STATUS[response.status] ?? "internal";
  const parsed = LibraryError.safeParse(await response.json().catch(() => undefined));
  // The library's own word for a session that was refused, which is so for whoever is disabled.
  const disabled = parsed.data?.code === "FAILED_TO_CREATE_SESSION";
  const message = disabled
    ? "this account is disabled; ask an administrator"
    : (parsed.data?.message ?? "sign-in failed");
  const reply = errorResponse(new AppError(code, message));
  const retryAfter = response.headers.get("x-retry-after");
  if (retryAfter !== null) reply.headers.set("retry-after", retryAfter);
  return reply;
}
const LibraryError = z.object({ message: z.string().min(1), code: z.string().optional() });
const CODE_OF_STATUS: Partial<Record<number, ErrorCode>> = {
  400: "invalid_input",
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  429: "rate_limited",
};

function withAddress(request: Request, address: string | undefined): Request {
  const headers = new Headers(request.headers);
  headers.delete(ADDRESS_HEADER);
  if (address !== undefined) headers.set(ADDRESS_HEADER, address);
  return new Request(request, { headers });
}
