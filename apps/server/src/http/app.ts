import { randomUUID } from "node:crypto";
import { AppError, errorBody } from "@windshift/contract/app-error.ts";
import type { Context } from "hono";
import { routePath } from "hono/route";
import { sql } from "kysely";
import type { Queries } from "../db/database.ts";
import { decide, type Memberships } from "./access.ts";
import type { ApiEnv } from "./api-env.ts";
import { errorHeaders, errorResponse, toAppError } from "./error-reply.ts";
import type { Log } from "./log.ts";
import { type CallerPorts, findCaller, type RunCaller, type RunnerCaller } from "./principal.ts";
import { type Door, type Frame, type Gate, pathOf, RouteTable } from "./route-table.ts";
import { requireJson, requireSameOrigin } from "./same-origin.ts";
import { securityHeaders } from "./security-headers.ts";

export interface AppOptions extends CallerPorts {
  /** As browsers see it, without a trailing slash. */
  baseUrl: string;
  version: string;
  db: Queries;
  log: Log;
  memberships: Memberships;
  /** The runner host that a request's credential names. @throws AppError `unauthenticated`, `rate_limited` */
  runner(headers: Headers, path: string): Promise<RunnerCaller>;
  doorkeeper?: Doorkeeper;
  /** Told of each answer, when it begins. */
  answered?(answer: { method: string; route: string | undefined; status: number; ms: number }): void;
  /** Told when a run reached for something that is not its own. */
  foreign(caller: RunCaller, method: string, path: string): Promise<void>;
}

/** Why a request is turned away for its headers alone; `route` stands for it in the figures, and takes few values. */
export type Doorkeeper = (request: Request, path: string) => { error: AppError; route: string } | undefined;

/** The HTTP surface: what holds for every request, and the table that routes are added to. */
export function createApp(options: AppOptions): RouteTable {
  const gate: Gate = {
    foreign: options.foreign,
    admit: async (c, access) => {
      c.set("principal", { kind: "anonymous" });
      if (typeof access === "object" && "handler" in access) return { kind: "admitted", grant: undefined };
      if (access === "public") {
        requireSameOrigin(c.req.raw, options.baseUrl, "no session");
        requireJson(c.req.raw);
        return { kind: "admitted", grant: undefined };
      }
      if (access === "runner") {
        c.set("principal", await options.runner(c.req.raw.headers, c.req.path));
        requireJson(c.req.raw);
        return { kind: "admitted", grant: undefined };
      }
      const { principal, setCookies } = await findCaller(c.req.raw.headers, options);
      c.set("principal", principal);
      for (const cookie of setCookies) c.header("set-cookie", cookie, { append: true });
      if (principal.kind === "person" && principal.via.kind === "session")
        requireSameOrigin(c.req.raw, options.baseUrl, "session");
      if (principal.kind !== "anonymous") requireJson(c.req.raw);
      return decide(access, principal, { method: c.req.method, params: c.req.param() }, options);
    },
  };
  const table = new RouteTable(gate, directFrame(options), createDoor(options));
  addFrame(table, options);
  addStatusRoutes(table, options);
  return table;
}

function addFrame(table: RouteTable, options: AppOptions): void {
  const close = answerCloser(options);
  table.hono.use("*", async (c, next) => {
    const requestId = randomUUID();
    c.set("requestId", requestId);
    const startedAt = performance.now();
    await next();
    // Who signs out and goes back sees nothing of before (WB-07).
    if (c.req.path.startsWith("/api/") && !c.res.headers.has("cache-control"))
      c.res.headers.set("cache-control", "no-store");
    close(c.req.raw, c.res, requestId, startedAt, templateOf(c));
  });
  table.hono.onError((error, c) => errorResponse(toAppError(error, c.get("requestId"), options.log)));
  table.hono.notFound(answerNothing);
}

/** The answer at an address that has nothing, 404 `not_found`; the web app gives it to everything but pages. */
export function answerNothing(c: Context<ApiEnv>): Response {
  return errorResponse(new AppError("not_found", `there is nothing at ${c.req.method} ${c.req.path}`));
}

/** The same frame for what does not go through the router. */
function directFrame(options: AppOptions): Frame {
  const close = answerCloser(options);
  return async (request, handler, route) => {
    const requestId = randomUUID();
    const startedAt = performance.now();
    const response = await handler(request).catch((error: unknown) =>
      errorResponse(toAppError(error, requestId, options.log)),
    );
    close(request, response, requestId, startedAt, route);
    return response;
  };
}

/** The same frame for what is turned away, which is answered at once. What all that get the same error are told is written once. */
function createDoor(options: AppOptions): Door {
  const note = answerNoter(options);
  const frame = securityHeaders(options.baseUrl);
  const written = new WeakMap<AppError, { body: string; init: ResponseInit }>();
  const write = (error: AppError) => {
    const headers = new Headers([...Object.entries(errorHeaders(error)), ...frame]);
    headers.set("content-type", "application/json");
    const answer = { body: JSON.stringify(errorBody(error)), init: { status: error.status, headers } };
    written.set(error, answer);
    return answer;
  };
  return (request, path) => {
    const startedAt = performance.now();
    const refusal = options.doorkeeper?.(request, path);
    if (refusal === undefined) return undefined;
    const { body, init } = written.get(refusal.error) ?? write(refusal.error);
    const response = new Response(body, init);
    const requestId = randomUUID();
    response.headers.set("x-request-id", requestId);
    note(request, response, requestId, startedAt, refusal.route);
    return response;
  };
}

type CloseAnswer = (
  request: Request,
  response: Response,
  requestId: string,
  startedAt: number,
  route: string | undefined,
) => void;

/** Puts on an answer what every answer has, and notes it. */
function answerCloser(options: AppOptions): CloseAnswer {
  const headers = securityHeaders(options.baseUrl);
  const note = answerNoter(options);
  return (request, response, requestId, startedAt, route) => {
    response.headers.set("x-request-id", requestId);
    for (const [name, value] of headers) if (!response.headers.has(name)) response.headers.set(name, value);
    note(request, response, requestId, startedAt, route);
  };
}

function answerNoter({ log, answered }: AppOptions): CloseAnswer {
  const isDebug = log.isLevelEnabled?.("debug") ?? true;
  return ({ method, url }, { status }, requestId, startedAt, route) => {
    const ms = performance.now() - startedAt;
    answered?.({ method, route, status, ms });
    if (isDebug) log.debug({ requestId, method, path: pathOf(url), status, ms }, "request");
  };
}

/** Path of the route that answered, with `:name` for its parameters; undefined when there was none. */
function templateOf(c: Context<ApiEnv>): string | undefined {
  const path = routePath(c, -1);
  return path === FRAME_PATH ? undefined : path;
}

/** Where what holds for every request stands in the router. */
const FRAME_PATH = "/*";

function addStatusRoutes(table: RouteTable, options: AppOptions): void {
  table.mount(["GET"], "/healthz", "public", (c) => c.json({ status: "ok" }));
  table.mount(["GET"], "/readyz", "public", async (c) => {
    await sql`select 1`.execute(options.db).catch((cause) => {
      throw new AppError("unavailable", "the database cannot be reached", { cause, retryAfterS: 1 });
    });
    return c.json({ status: "ready" });
  });
  table.mount(["GET"], "/api/version", "public", (c) =>
    c.json({ name: "windshift", version: options.version }),
  );
  table.mount(["GET"], "/api/openapi.json", "public", (c) =>
    c.json(
      table.hono.getOpenAPI31Document({
        openapi: "3.1.0",
        info: { title: "Windshift", version: options.version },
        servers: [{ url: options.baseUrl }],
      }),
    ),
  );
}
