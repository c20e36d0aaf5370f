import { AppError } from "@windshift/contract/app-error.ts";
import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { TOKEN_PREFIX } from "@windshift/contract/tokens.ts";

/** Who calls. */
export type Principal = { kind: "anonymous" } | Person | RunCaller | RunnerCaller;

/** A runner host, by its credential. */
export interface RunnerCaller {
  kind: "runner";
  runnerId: RunnerId;
  poolId: PoolId;
  instance: string;
  name: string;
}

/** A person with a session. */
export interface Person {
  kind: "person";
  userId: string;
  name: string;
  /** Administrates the whole installation. Says nothing about the right to look into a workspace. */
  admin: boolean;
}

/** The agent of the live attempt of a run, by the token in its container. */
export interface RunCaller {
  kind: "run";
  runId: number;
  attempt: number;
  workItemId: number;
  workspaceId: number;
  agentUserId: string;
}

/** Looks up a run token; undefined when it is unknown or its attempt is no longer the live one. */
export interface RunTokens {
  find(token: string): Promise<(Omit<RunCaller, "kind"> & { scope: string }) | undefined>;
}

/** Looks up the session that a request's cookie names; undefined when there is none. */
export interface Sessions {
  find(headers: Headers): Promise<Session | undefined>;
}
export interface Session {
  person: Person;
  /** Cookies that go out with the answer, so that a session in use does not end. */
  setCookies: string[];
}

/** The caller, and what goes out with the answer. */
export interface Caller {
  principal: Principal;
  setCookies: string[];
}

/**
 * An `Authorization` header decides alone; without one the session cookie does.
 * @throws AppError `unauthenticated` for a credential that is not valid here
 */
export async function findCaller(
  headers: Headers,
  ports: { runTokens: RunTokens; sessions: Sessions },
): Promise<Caller> {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    return { principal: await runOf(authorization, ports.runTokens), setCookies: [] };
  }
  const session = headers.has("cookie") ? await ports.sessions.find(headers) : undefined;
  if (session === undefined) return { principal: { kind: "anonymous" }, setCookies: [] };
  return { principal: session.person, setCookies: session.setCookies };
}

async function runOf(authorization: string, runTokens: RunTokens): Promise<RunCaller> {
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? "";
  const found = token.startsWith(TOKEN_PREFIX.run) ? await runTokens.find(token) : undefined;
  if (found === undefined || found.scope !== "agent") {
    throw new AppError(
      "unauthenticated",
      "the token in the Authorization header is unknown, no longer valid, or not for this address",
    );
  }
  const { scope: _, ...caller } = found;
  return { kind: "run", ...caller };
}
