import { describe, expect, test } from "bun:test";
import { AppError } from "@windshift/contract/app-error.ts";
import { API_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { z } from "zod";
import { jsonBody, jsonReply } from "./json.ts";
import { type Door, type Frame, pathOf, RouteTable } from "./route-table.ts";

function table(frame?: Frame, door?: Door) {
  const routes = new RouteTable(
    {
      admit: async (_c, access) =>
        access === "public"
          ? { kind: "admitted", grant: undefined }
          : { kind: "refused", error: new AppError("forbidden", "no"), foreign: undefined },
      foreign: async () => {},
    },
    frame,
    door,
  );
  routes.hono.onError(
    (error) => new Response(error.name, { status: error instanceof AppError ? error.status : 500 }),
  );
  return routes;
}

const Body = z.strictObject({ text: z.string() });
const echo = {
  method: "post",
  path: "/echo",
  request: { body: jsonBody(Body) },
  responses: { 200: jsonReply(Body, "the same") },
} as const;

function post(routes: RouteTable, body: string): Promise<Response> {
  return Promise.resolve(
    routes.hono.request("/echo", { method: "POST", body, headers: { "content-type": "application/json" } }),
  );
}

describe("route table", () => {
  test("answers a declared route with what it was sent, checked", async () => {
    const routes = table();
    routes.add({ ...echo, access: "public" }, (c) => c.json(c.req.valid("json"), 200));
    expect(await (await post(routes, '{"text":"hi"}')).json()).toEqual({ text: "hi" });
    expect((await post(routes, '{"text":"hi","admin":true}')).status).toBe(400);
    routes.assertComplete();
  });

  test("does not run the handler, nor look at the body, of a caller who is refused", async () => {
    const routes = table();
    let ran = false;
    routes.add({ ...echo, access: "person" }, (c) => {
      ran = true;
      return c.json(c.req.valid("json"), 200);
    });
    expect((await post(routes, "not json")).status).toBe(403);
    expect(ran).toBe(false);
  });

  test("WB-01 a route that does not say whom it admits stops the start", () => {
    const routes = table();
    routes.hono.get("/behind-the-back", (c) => c.text("hello"));
    expect(() => routes.assertComplete()).toThrow("GET /behind-the-back does not say whom it admits");
  });

  test("hands a direct route the request itself, inside the frame, and declares it as any other", async () => {
    const framed: string[] = [];
    const routes = table(async (request, handler) => {
      framed.push(request.url);
      return handler(request);
    });
    const access = { handler: "a token of its own" };
    routes.mountDirect(["POST"], "/proxy/*", access, async (request) => new Response(await request.text()));
    const send = (path: string, method = "POST") =>
      routes.fetch(
        new Request(`http://a.test${path}`, { method, ...(method === "POST" ? { body: "hi" } : {}) }),
        {},
      );
    expect(await (await send("/proxy/v1?at=/x#y")).text()).toBe("hi");
    expect(framed).toHaveLength(1);
    for (const [path, method] of [
      ["/proxy/v1", "GET"],
      ["/prox", "POST"],
      ["/x?/proxy/", "POST"],
      ["/x/proxy/v1", "POST"],
    ] as const)
      expect((await send(path, method)).status).toBe(404);
    expect(framed).toHaveLength(1);
    expect(routes.entries).toEqual([{ method: "POST", path: "/proxy/*", access }]);
    routes.assertComplete();
  });

  test("a request that is turned away at the door reaches no route", async () => {
    const routes = table(undefined, (request) =>
      request.headers.has("flood") ? new Response("slower", { status: 429 }) : undefined,
    );
    let ran = 0;
    routes.add({ ...echo, access: "public" }, (c) => {
      ran++;
      return c.json(c.req.valid("json"), 200);
    });
    const send = (headers: Record<string, string>) => {
      const all = { "content-type": "application/json", ...headers };
      const init = { method: "POST", body: '{"text":"hi"}', headers: all };
      return routes.fetch(new Request("http://a.test/echo", init), {});
    };
    expect((await send({ flood: "yes" })).status).toBe(429);
    expect(ran).toBe(0);
    expect((await send({})).status).toBe(200);
    expect(ran).toBe(1);
  });

  test("refuses a body over the limit", async () => {
    const routes = table();
    routes.add({ ...echo, access: "public" }, (c) => c.json(c.req.valid("json"), 200));
    expect((await post(routes, JSON.stringify({ text: "x".repeat(API_BODY_BYTES_MAX) }))).status).toBe(413);
  });
});

test("the path of an address is what a parser of addresses says", () => {
  for (const rest of ["/", "/a/b", "/a?b=/c", "/a#b", "/a#b?c", "/?a", "/a%2Fb//c"])
    expect(pathOf(`http://a.test:80${rest}`)).toBe(new URL(`http://a.test:80${rest}`).pathname);
});
