import { AppError } from "@windshift/contract/app-error.ts";
import { TOKEN_PREFIX } from "@windshift/contract/tokens.ts";

/** Who calls. */
export type Principal = { kind: "anonymous" } | Person | RunCaller;

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
  find(headers: Headers): Promise<Person | undefined>;
}

/**
 * An `Authorization` header decides alone; without one the session cookie does.
 * @throws AppError `unauthenticated` for a credential that is not valid here
 */
export async function findPrincipal(
  headers: Headers,
  ports: { runTokens: RunTokens; sessions: Sessions },
): Promise<Principal> {
  const authorization = headers.get("authorization");
  if (authorization !== null) return runOf(authorization, ports.runTokens);
  if (!headers.has("cookie")) return { kind: "anonymous" };
  return (await ports.sessions.find(headers)) ?? { kind: "anonymous" };
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
