import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { accountRoutes } from "./account/account-routes.tsx";
import { adminRoutes } from "./admin/admin-routes.tsx";
import { ApiError } from "./api/api.ts";
import { meQuery } from "./api/me.ts";
import { queryClient } from "./api/query-client.ts";
import { paths } from "./paths.ts";
import { pullRequestRoutes } from "./pull-requests/pull-request-routes.tsx";
import { runRoutes } from "./runs/run-routes.tsx";
import { settingsRoutes } from "./settings/settings-routes.tsx";
import { ErrorPage, NotFoundPage } from "./shell/error-page.tsx";
import { PagePending } from "./shell/page-pending.tsx";
import { parseSearch, stringifySearch } from "./shell/search-params.ts";
import { trackerRoutes } from "./tracker/tracker-routes.tsx";
import { welcomeRoutes } from "./welcome/welcome-routes.tsx";

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFoundPage });

/** Everything that needs somebody who is signed in; without one it leads to the sign-in and back. */
const app = createRoute({
  getParentRoute: () => root,
  id: "app",
  component: lazyRouteComponent(() => import("./areas/work-pages.ts"), "AppShell"),
  beforeLoad: async ({ location }) => {
    await queryClient.ensureQueryData(meQuery).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 401)
        throw redirect({ href: paths.login(location.href), replace: true });
      throw error;
    });
  },
});

/** How long a page may take before the app says that it is loading, ms. */
const PENDING_MS = 200;

export const router = createRouter({
  routeTree: root.addChildren([
    ...welcomeRoutes(root),
    app.addChildren([
      ...trackerRoutes(app),
      ...runRoutes(app),
      ...pullRequestRoutes(app),
      ...settingsRoutes(app),
      ...adminRoutes(app),
      ...accountRoutes(app),
    ]),
  ]),
  defaultErrorComponent: ErrorPage,
  defaultNotFoundComponent: NotFoundPage,
  defaultPendingComponent: PagePending,
  defaultPendingMs: PENDING_MS,
  defaultPreload: "intent",
  scrollRestoration: true,
  parseSearch,
  stringifySearch,
});
