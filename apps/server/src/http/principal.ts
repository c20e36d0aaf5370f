import type { TokenScope } from "@windshift/contract/api/token.ts";
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

/** A person with a session in a browser, or with an API token. */
export interface Person {
  kind: "person";
  userId: string;
  name: string;
  /** Administrates the whole installation. Says nothing about the right to look into a workspace. */
  admin: boolean;
  via: { kind: "session"; id: string } | { kind: "token"; id: number; name: string; scopes: TokenScope[] };
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

/** Looks up the person of an API token; undefined when it is unknown, expired, or its owner is disabled. */
export interface PersonTokens {
  find(token: string): Promise<Person | undefined>;
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

/** Who knows whom a credential belongs to. */
export interface CallerPorts {
  runTokens: RunTokens;
  personTokens: PersonTokens;
  sessions: Sessions;
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
export async function findCaller(headers: Headers, ports: CallerPorts): Promise<Caller> {
  const token = bearerOf(headers);
  if (token !== undefined) return { principal: await findBearer(token, ports), setCookies: [] };
  const session = headers.has("cookie") ? await ports.sessions.find(headers) : undefined;
  if (session === undefined) return { principal: { kind: "anonymous" }, setCookies: [] };
  return { principal: session.person, setCookies: session.setCookies };
}

/**
 * The person of a request, by API token or by session, for what looks again later whether they still may.
 * @returns undefined for everybody else
 */
export function peopleOf(ports: CallerPorts): Sessions {
  return {
    find: async (headers) => {
      const token = bearerOf(headers);
      if (token === undefined) return headers.has("cookie") ? ports.sessions.find(headers) : undefined;
      const person = await ports.personTokens.find(token);
      return person && { person, setCookies: [] };
    },
  };
}

/** The token of an `Authorization` header, empty for one of another kind; undefined when there is no such header. */
function bearerOf(headers: Headers): string | undefined {
  const authorization = headers.get("authorization");
  if (authorization === null) return undefined;
  return /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? "";
}

async function findBearer(token: string, ports: CallerPorts): Promise<Person | RunCaller> {
  const found = token.startsWith(TOKEN_PREFIX.person)
    ? await ports.personTokens.find(token)
    : await runOf(token, ports.runTokens);
  if (found !== undefined) return found;
  throw new AppError(
    "unauthenticated",
    "the token in the Authorization header is unknown, no longer valid, or not for this address",
  );
}

async function runOf(token: string, runTokens: RunTokens): Promise<RunCaller | undefined> {
  const found = token.startsWith(TOKEN_PREFIX.run) ? await runTokens.find(token) : undefined;
  if (found?.scope !== "agent") return undefined;
  const { scope: _, ...caller } = found;
  return { kind: "run", ...caller };
}
