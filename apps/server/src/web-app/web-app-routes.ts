import { randomBytes } from "node:crypto";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Context } from "hono";
import type { ApiEnv } from "../http/api-env.ts";
import { answerNothing } from "../http/app.ts";
import type { RouteTable } from "../http/route-table.ts";
import { pagePolicy } from "../http/security-headers.ts";
import { type Encoding, openWebBundle, type WebFile } from "./web-bundle.ts";

/**
 * Where the app has pages, and which of its pages names the files that are needed there. The app itself shows what is not
 * there; a server knows only that it would be a page. The first that fits is taken.
 */
const PAGES: readonly (readonly [page: string, paths: readonly string[]])[] = [
  ["welcome.html", ["/login", "/setup", "/cli/*", "/invite/*", "/reset/*"]],
  [
    "office.html",
    ["/account", "/admin/*", "/workspaces/*", "/w/:workspace/settings/*", "/w/:workspace/setup"],
  ],
  ["work.html", ["/", "/inbox", "/w/*", "/items/*", "/pull-requests/*"]],
];
/** A year, s: what browsers take for ever. */
const LASTING_S = 31_536_000;

/** The web app: its files under /assets/, and a page wherever the app has one. */
export function addWebAppRoutes(table: RouteTable): void {
  let opened: Promise<ReadonlyMap<string, WebFile>> | undefined;
  const open = () => {
    opened ??= openWebBundle();
    // A failure is not kept: the next reader tries again.
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  };
  table.mount(["GET"], "/assets/*", "public", async (c) => {
    const file = (await open()).get(c.req.path.slice("/assets/".length));
    if (file === undefined || c.req.path.endsWith(".html"))
      throw new AppError("not_found", `there is nothing at ${c.req.path}`);
    return serve(c, file);
  });
  for (const [page, paths] of PAGES)
    for (const path of paths)
      table.mount(["GET"], path, "public", async () => servePage((await open()).get(page), 200));
  // Where there is nothing, a person gets the app's page that says so, and a program its error.
  table.hono.notFound(async (c) =>
    isPageRequest(c) ? servePage((await open()).get("index.html"), 404) : answerNothing(c),
  );
}

function isPageRequest({ req }: Context<ApiEnv>): boolean {
  const ours = /^\/(?:api|assets|git-proxy|llm-proxy)(?:\/|$)/.test(req.path);
  return req.method === "GET" && !ours && (req.header("accept") ?? "").includes("text/html");
}

function serve(c: Context<ApiEnv>, file: WebFile): Response {
  const encoding = encodingFor(c.req.header("accept-encoding") ?? "");
  const headers = {
    "content-type": file.type,
    "cache-control": file.lasting ? `public, max-age=${LASTING_S}, immutable` : "no-cache",
    vary: "accept-encoding",
    etag: file.etag,
    ...(encoding === "plain" ? {} : { "content-encoding": encoding === "brotli" ? "br" : "gzip" }),
  };
  if (c.req.header("if-none-match") === file.etag) return new Response(null, { status: 304, headers });
  return new Response(file.body(encoding), { headers });
}

function encodingFor(accepted: string): Encoding {
  return /\bbr\b/.test(accepted) ? "brotli" : /\bgzip\b/.test(accepted) ? "gzip" : "plain";
}

/** The page carries a word of its own for the styles that the app adds, and the policy lets in no others. */
async function servePage(page: WebFile | undefined, status: number): Promise<Response> {
  if (page === undefined) throw new AppError("internal", "the bundle has no page");
  const nonce = randomBytes(18).toString("base64");
  const text = (await page.body("plain").text()).replace("__STYLE_NONCE__", nonce);
  return new Response(text, {
    status,
    headers: {
      "content-type": page.type,
      "cache-control": "no-store",
      "content-security-policy": pagePolicy(nonce),
    },
  });
}
