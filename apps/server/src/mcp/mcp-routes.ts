import { buildVersion } from "@windshift/base/build-version.ts";
import { AppError, ErrorBody } from "@windshift/contract/app-error.ts";
import { API_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { TOKEN_PREFIX } from "@windshift/contract/tokens.ts";
import type { McpApi } from "@windshift/mcp/tools.ts";
import { bodyLimit } from "hono/body-limit";
import type { RouteTable } from "../http/route-table.ts";

/**
 * `/mcp`: the Model Context Protocol over HTTP, without sessions. Every tool is a call of the API with the caller's own API
 * token, so that nothing is permitted here that is not permitted there.
 */
export function addMcpRoutes(table: RouteTable): void {
  const limit = bodyLimit({
    maxSize: API_BODY_BYTES_MAX,
    onError: () => {
      throw new AppError("too_large", `the body is over ${API_BODY_BYTES_MAX} bytes`);
    },
  });
  table.mount(["POST"], "/mcp", { handler: "the API token, by the API that its tools call" }, async (c) => {
    const authorization = c.req.header("authorization") ?? "";
    if (!authorization.startsWith(`Bearer ${TOKEN_PREFIX.person}`))
      throw new AppError(
        "unauthenticated",
        "send an API token (wst_…) as a bearer token; your account page makes one",
      );
    const api = createCaller(table, c.env, new URL(c.req.url).origin, authorization);
    // A token that is not valid is refused here, not in the middle of the protocol.
    await api.get("/me");
    const { answerMcpRequest } = await import("@windshift/mcp/mcp-http.ts");
    let reply: Response | undefined;
    await limit(c, async () => {
      reply = await answerMcpRequest(c.req.raw, api, buildVersion);
    });
    if (reply === undefined) throw new AppError("internal", "the protocol gave no answer");
    return reply;
  });
  // Without sessions there is no stream to open and nothing to end: the protocol has its own answer for that.
  table.mount(
    ["GET", "DELETE"],
    "/mcp",
    { handler: "nobody: the answer is the same for all" },
    () => new Response(null, { status: 405, headers: { allow: "POST" } }),
  );
}

function createCaller(
  table: RouteTable,
  env: Parameters<RouteTable["fetch"]>[1],
  origin: string,
  authorization: string,
): McpApi {
  const call = async (method: string, path: string, body?: object) => {
    const request = new Request(`${origin}/api/v1${path}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const response = await table.fetch(request, env);
    if (response.status === 204) return {};
    const json: unknown = await response.json();
    if (response.ok) return json;
    const { error } = ErrorBody.parse(json);
    if (response.status === 401) throw new AppError("unauthenticated", error.message);
    throw new Error(error.message);
  };
  return { get: (path) => call("GET", path), send: call };
}
