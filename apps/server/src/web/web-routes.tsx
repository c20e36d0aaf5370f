/** @jsxImportSource hono/jsx */
import { Me } from "@windshift/contract/api/user.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { PullRequestId, WorkItemKey } from "@windshift/contract/ids.ts";
import type { Context } from "hono";
import type { Child } from "hono/jsx";
import type { ApiEnv } from "../http/api-env.ts";
import type { RouteTable } from "../http/route-table.ts";
import { ErrorPage } from "./error-page.tsx";
import { HomePage, readHome } from "./home-page.tsx";
import { ItemPage, readItem } from "./item-page.tsx";
import { LoginPage, SetUpPage } from "./login-page.tsx";
import { PageApi } from "./page-api.ts";
import { addAssetRoutes } from "./page-assets.ts";
import { addPoolPages } from "./pool-routes.tsx";
import { PullRequestPage, readPullRequest } from "./pull-request-page.tsx";
import { addSettingsPages } from "./settings-routes.tsx";

export interface WebPorts {
  /** As browsers see the server; links of ours that begin with it are shown without. */
  baseUrl: string;
  /** Whether the installation has its first administrator. */
  isSetUp(): Promise<boolean>;
}

type Page = (api: PageApi, c: Context<ApiEnv>) => Promise<Child>;

/** The pages for people. They read everything through the API, as the person whose cookie came with the request. */
export function addWebRoutes(table: RouteTable, ports: WebPorts): void {
  addAssetRoutes(table);

  const page = (path: string, render: Page) =>
    table.mount(
      ["GET"],
      path,
      { handler: "the session cookie, by the API that the page reads" },
      async (c) => {
        const api = new PageApi((request) => table.hono.fetch(request, c.env), c.req.raw);
        try {
          return reply(api, 200, await render(api, c));
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          if (error.code !== "unauthenticated") return reply(api, error.status, <ErrorPage error={error} />);
          return c.redirect((await ports.isSetUp()) ? `/login${nextQuery(c.req.url)}` : "/setup");
        }
      },
    );

  page("/", async (api) => <HomePage {...(await readHome(api))} />);
  page("/items/:key", async (api, c) => {
    const key = WorkItemKey.safeParse(c.req.param("key"));
    if (!key.success) throw nothingHere();
    const view = await readItem(api, key.data, c.req.query("after"));
    return <ItemPage view={view} baseUrl={ports.baseUrl} />;
  });
  page("/pull-requests/:id", async (api, c) => {
    const id = PullRequestId.safeParse(Number(c.req.param("id")));
    if (!id.success) throw nothingHere();
    return <PullRequestPage {...(await readPullRequest(api, id.data))} />;
  });

  addSettingsPages(page);
  addPoolPages(page);

  table.mount(["GET"], "/login", "public", async (c) => {
    if (!(await ports.isSetUp())) return c.redirect("/setup");
    const api = new PageApi((request) => table.hono.fetch(request, c.env), c.req.raw);
    const signedIn = await api.get("/api/v1/me", Me).catch(() => undefined);
    const next = localPath(c.req.query("next"));
    return signedIn === undefined ? reply(api, 200, <LoginPage next={next} />) : c.redirect(next);
  });
  table.mount(["GET"], "/setup", "public", async (c) =>
    (await ports.isSetUp()) ? c.redirect("/") : html(200, <SetUpPage />),
  );
}

function reply(api: PageApi, status: number, body: Child): Response {
  const response = html(status, body);
  for (const cookie of api.setCookies) response.headers.append("set-cookie", cookie);
  return response;
}

function html(status: number, body: Child): Response {
  return new Response(`<!doctype html>${String(body)}`, {
    status,
    headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
  });
}

function nothingHere(): AppError {
  return new AppError("not_found", "not found");
}

function nextQuery(url: string): string {
  const { pathname } = new URL(url);
  return pathname === "/" ? "" : `?next=${encodeURIComponent(pathname)}`;
}

const OUR_PAGES =
  /^\/(?:items\/[A-Z0-9-]+|pull-requests\/[0-9]+|admin\/runners(?:\/[0-9]+)?|workspaces\/[A-Z0-9]+\/(?:settings|budgets|connections(?:\/[a-z0-9_]+){1,2}))$/;

/** Where to go after sign-in: one of our own pages, whatever the link said. */
function localPath(next: string | undefined): string {
  return next !== undefined && OUR_PAGES.test(next) ? next : "/";
}
