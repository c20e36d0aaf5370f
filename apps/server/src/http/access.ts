import { TokenScope } from "@windshift/contract/api/token.ts";
import { allows, type Role } from "@windshift/contract/api/workspace.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Queries } from "../db/database.ts";
import type { Person, Principal, RunCaller } from "./principal.ts";

/** Whom a route admits. Every route says it; what is not said is refused. */
export type Access =
  /** Anybody. */
  | "public"
  /** Any signed-in person. */
  | "person"
  /** A person with a session in a browser: what would let an API token raise itself. */
  | "session"
  /** A signed-in person, or any API token of theirs whatever its scopes: for what a token may do to itself alone. */
  | "self"
  /** Administrators of the installation. */
  | "instance_admin"
  /** Runner hosts, by their credential. */
  | "runner"
  /**
   * Members of the workspace the path points into, from this role up; with `run` also the run working on that very item, or the
   * very run.
   */
  | { role: Role; in: Scope; run?: "own_item" | "own_run" }
  /** The handler checks a credential of its own kind; the text says which. */
  | { handler: string };

/** Finds what a path points at; undefined when there is nothing. */
export type Scope = (db: Queries, params: Record<string, string>) => Promise<Place | undefined>;
export interface Place {
  workspaceId: number;
  /** Set by scopes of work items. */
  workItemId?: number;
  /** Set by scopes of runs. */
  runId?: number;
  /** For who has less than this role there is no such place, whatever the route asks for. */
  leastRole?: Role | undefined;
}

/** The place of a request, and what the caller may do there. */
export interface Grant extends Place {
  role: Role;
}

export interface Memberships {
  roleOf(workspaceId: number, userId: string): Promise<Role | undefined>;
}

export type Decision =
  | { kind: "admitted"; grant: Grant | undefined }
  /** `foreign`: a run reached beyond its own item, which is worth a line in the audit log. */
  | { kind: "refused"; error: AppError; foreign: RunCaller | undefined };

/**
 * Decides whether `principal` may use a route. Who may not see a place is told that there is none, with the same
 * answer as for a place that does not exist.
 */
export async function decide(
  access: Access,
  principal: Principal,
  request: { method: string; params: Record<string, string> },
  ports: { db: Queries; memberships: Memberships },
): Promise<Decision> {
  const { params } = request;
  if (access === "public" || (typeof access === "object" && "handler" in access)) return admitted();
  if (access === "runner")
    return principal.kind === "runner"
      ? admitted()
      : refused("unauthenticated", "this is for runners: send the credential of one as a bearer token");
  if (principal.kind === "anonymous" || principal.kind === "runner")
    return refused(
      "unauthenticated",
      "you are not signed in, or your session has ended: sign in, here or in another tab, and send this again",
    );
  if (principal.kind === "run") {
    const place = hasScope(access) && access.run ? await access.in(ports.db, params) : undefined;
    if (place === undefined || !isOwn(access, place, principal)) {
      return { ...refused("not_found", "not found, or not open to a run"), foreign: principal };
    }
    return admitted({ ...place, role: "viewer" });
  }
  const decision = hasScope(access)
    ? await decideMember(access, principal, params, ports)
    : access === "person" || access === "session" || access === "self" || principal.admin
      ? admitted()
      : refused("forbidden", "only an administrator of this installation may do this");
  return decision.kind === "refused" ? decision : withinScopes(decision, access, principal, request.method);
}

/** What the owner of an API token may do, the token may only within its scopes (WB-26). */
function withinScopes(decision: Decision, access: Access, { via }: Person, method: string): Decision {
  if (via.kind === "session") return decision;
  if (access === "session")
    return refused("forbidden", "this takes a session in a browser; an API token cannot do it");
  if (access === "self") return decision;
  const needed = neededScope(access, method);
  const enough = via.scopes.some((s) => TokenScope.options.indexOf(s) >= TokenScope.options.indexOf(needed));
  if (enough) return decision;
  return refused("forbidden", `this needs an API token with the scope ${needed}`);
}

/** The scope an API token must have for a route. */
export function neededScope(access: Access, method: string): TokenScope {
  if (access === "instance_admin" || (hasScope(access) && access.role === "admin")) return "admin";
  return method === "GET" || method === "HEAD" ? "read" : "write";
}

function isOwn(access: Access, place: Place, run: RunCaller): boolean {
  if (!hasScope(access)) return false;
  return access.run === "own_run" ? place.runId === run.runId : place.workItemId === run.workItemId;
}

type Scoped = Extract<Access, { in: Scope }>;
function hasScope(access: Access): access is Scoped {
  return typeof access === "object" && "in" in access;
}

async function decideMember(
  access: Scoped,
  person: Person,
  params: Record<string, string>,
  ports: { db: Queries; memberships: Memberships },
): Promise<Decision> {
  const place = await access.in(ports.db, params);
  const role = place && (await ports.memberships.roleOf(place.workspaceId, person.userId));
  const hidden = place?.leastRole !== undefined && !allows(role ?? "viewer", place.leastRole);
  if (place === undefined || role === undefined || hidden) return refused("not_found", "not found");
  if (!allows(role, access.role)) {
    return refused("forbidden", `this needs the role ${access.role} in the workspace; yours is ${role}`);
  }
  return admitted({ ...place, role });
}

function admitted(grant?: Grant): Decision {
  return { kind: "admitted", grant };
}
function refused(code: "unauthenticated" | "forbidden" | "not_found", message: string) {
  return { kind: "refused", error: new AppError(code, message), foreign: undefined } as const;
}
