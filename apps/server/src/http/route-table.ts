import { OpenAPIHono, type RouteConfig, type RouteHandler } from "@hono/zod-openapi";
import { AppError, assert, ErrorBody } from "@windshift/contract/app-error.ts";
import { API_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Access, Decision } from "./access.ts";
import type { ApiEnv } from "./api-env.ts";
import { invalidInput } from "./error-reply.ts";
import { jsonReply } from "./json.ts";
import type { RunCaller } from "./principal.ts";

/** One row of the table of all routes; the access test is generated from it. */
export interface RouteEntry {
  method: string;
  path: string;
  access: Access;
}

export interface Gate {
  /** Finds the caller and decides. Rejects when the credential is not valid. */
  admit(c: Context<ApiEnv>, access: Access): Promise<Decision>;
  /** Told when a run reached for something that is not its own. */
  foreign(caller: RunCaller, method: string, path: string): Promise<void>;
}

/** A mounted route whose handler needs the request alone. */
interface DirectRoute {
  methods: readonly string[];
  /** Ends in a slash. */
  prefix: string;
  handler(request: Request): Promise<Response>;
}

/** Refuses a request for its headers alone, ahead of all else that a request costs; undefined for one that goes on as ever. */
export type Door = (request: Request, path: string) => Response | undefined;

/** What holds for the answer to a request that goes straight to its handler. */
export type Frame = (
  request: Request,
  handler: (request: Request) => Promise<Response>,
  /** Path of the route, as it was mounted. */
  route: string,
) => Promise<Response>;

/** Every route may answer with an error instead. */
const ERROR_REPLY = jsonReply(ErrorBody, "An error; `code` is from a closed list, `message` says what to do");

/** The only way to add a route: none exists without saying whom it admits. */
export class RouteTable {
  readonly entries: RouteEntry[] = [];
  readonly hono = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidInput(result.error);
    },
  });
  private readonly direct: DirectRoute[] = [];
  constructor(
    private readonly gate: Gate,
    private readonly frame: Frame = (request, handler) => handler(request),
    readonly door: Door = () => undefined,
  ) {}

  /** Answers a request of the HTTP server; `server` is what that gives beside it. Never rejects. */
  readonly fetch = (request: Request, server: ApiEnv["Bindings"]): Response | Promise<Response> =>
    this.door(request, pathOf(request.url)) ?? this.route(request, server);

  /** As `fetch`, for a request that the door let in. */
  readonly route = (request: Request, server: ApiEnv["Bindings"]): Response | Promise<Response> => {
    const path = pathOf(request.url);
    for (const { methods, prefix, handler } of this.direct) {
      if (path.startsWith(prefix) && methods.includes(request.method))
        return this.frame(request, handler, `${prefix}*`);
    }
    return this.hono.fetch(request, server);
  };

  /** Adds one documented API route. `{name}` in the path is a parameter. */
  add<const R extends RouteConfig & { access: Access }>(route: R, handler: RouteHandler<R, ApiEnv>): void {
    const { access, ...rest } = route;
    const documented = { ...rest, responses: { ...rest.responses, default: ERROR_REPLY } };
    this.entries.push({ method: route.method.toUpperCase(), path: route.path, access });
    const middleware = [this.check(access), bodyLimit({ maxSize: API_BODY_BYTES_MAX, onError: tooLarge })];
    this.hono.openapi({ ...documented, middleware } as unknown as R, handler);
  }

  /**
   * Hands everything below a path to `handler`, body untouched, for what is not part of the documented API.
   * @param path ends in `/*`, or is one exact path
   */
  mount(
    methods: string[],
    path: string,
    access: Access,
    handler: (c: Context<ApiEnv>) => Response | Promise<Response>,
  ): void {
    for (const method of methods) this.entries.push({ method, path, access });
    this.hono.on(methods, path, this.check(access), handler);
  }

  /**
   * As `mount`, for what is called often and checks a credential of its own: nothing between the listener and the handler
   * but the frame of every answer.
   * @param path ends in `/*`
   */
  mountDirect(
    methods: string[],
    path: `${string}/*`,
    access: Extract<Access, { handler: string }>,
    handler: (request: Request) => Promise<Response>,
  ): void {
    this.direct.push({ methods, prefix: path.slice(0, -1), handler });
    this.mount(methods, path, access, (c) => handler(c.req.raw));
  }

  /** @throws Error when a route was added behind the table's back. Call it before the first request. */
  assertComplete(): void {
    const declared = new Set(
      this.entries.map((e) => `${e.method} ${e.path.replaceAll(/\{(.+?)\}/g, ":$1")}`),
    );
    for (const route of this.hono.routes) {
      const frame = route.method === "ALL" && route.path === "/*";
      const known = frame || declared.has(`${route.method} ${route.path}`);
      assert(known, `the route ${route.method} ${route.path} does not say whom it admits`);
    }
  }

  private check(access: Access): MiddlewareHandler<ApiEnv> {
    return async (c, next) => {
      const decision = await this.gate.admit(c, access);
      if (decision.kind === "refused") {
        if (decision.foreign) await this.gate.foreign(decision.foreign, c.req.method, c.req.path);
        throw decision.error;
      }
      c.set("grant", decision.grant);
      await next();
    };
  }
}

/** The path of an absolute address as it stands there; parsing it all would be the dearest step of a short request. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.slice(start).search(/[?#]/);
  return start === -1 ? "/" : end === -1 ? url.slice(start) : url.slice(start, start + end);
}

function tooLarge(): never {
  throw new AppError("too_large", `the body is over ${API_BODY_BYTES_MAX} bytes`);
}
