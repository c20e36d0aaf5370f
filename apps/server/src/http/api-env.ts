import { assert } from "@windshift/contract/app-error.ts";
import type { Context } from "hono";
import type { ActingPerson } from "../audit/audit-store.ts";
import type { Grant } from "./access.ts";
import type { Person, Principal, RunCaller, RunnerCaller } from "./principal.ts";

/** What the foundation puts beside a request for its handler. */
export interface ApiEnv {
  /** What the HTTP server gives with each request; its second argument to `fetch`. */
  Bindings: { requestIP?(request: Request): { address: string } | null };
  Variables: { requestId: string; principal: Principal; grant: Grant | undefined };
}

/** The signed-in person; for routes that admit people only. */
export function personOf(c: Context<ApiEnv>): Person {
  const principal = c.get("principal");
  assert(principal.kind === "person", "the route admits people");
  return principal;
}

/** The signed-in person as the audit log names them. */
export function actingPersonOf(c: Context<ApiEnv>): ActingPerson {
  return { user: personOf(c).userId, ip: addressOf(c) };
}

/** The caller of a route that admits people and runs. */
export function callerOf(c: Context<ApiEnv>): Person | RunCaller {
  const principal = c.get("principal");
  assert(principal.kind === "person" || principal.kind === "run", "the route admits people and runs");
  return principal;
}

/** The runner host; for routes that admit runners only. */
export function runnerOf(c: Context<ApiEnv>): RunnerCaller {
  const principal = c.get("principal");
  assert(principal.kind === "runner", "the route admits runners");
  return principal;
}

/** Where the request came from: the other end of the connection, or what a trusted proxy there says. */
export function addressOf(c: Context<ApiEnv>): string | undefined {
  return c.env?.requestIP?.(c.req.raw)?.address;
}

/** Where the path points and the caller's role there; for routes with a scope. */
export function grantOf(c: Context<ApiEnv>): Grant {
  const grant = c.get("grant");
  assert(grant !== undefined, "the route has a scope");
  return grant;
}

/** The work item the path points at; for routes whose scope finds one. */
export function itemGrantOf(c: Context<ApiEnv>): Grant & { workItemId: number } {
  const { workItemId, ...grant } = grantOf(c);
  assert(workItemId !== undefined, "the route's scope finds a work item");
  return { ...grant, workItemId };
}
