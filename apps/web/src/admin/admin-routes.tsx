import { type AnyRoute, createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { paths } from "../paths.ts";

/** What administrators of the installation see to. A pool keeps its former address. */
export function adminRoutes(app: AnyRoute): AnyRoute[] {
  const frame = createRoute({
    getParentRoute: () => app,
    path: "/admin",
    component: lazyRouteComponent(() => import("./admin-pages.ts"), "AdminFrame"),
  });
  const page = <N extends string>(path: string, load: () => Promise<Record<N, () => ReactNode>>, name: N) =>
    createRoute({ getParentRoute: () => frame, path, component: lazyRouteComponent(load, name) });
  const start = createRoute({
    getParentRoute: () => frame,
    path: "/",
    beforeLoad: () => {
      throw redirect({ href: paths.admin("users"), replace: true });
    },
  });
  return [
    frame.addChildren([
      start,
      page("users", () => import("./admin-pages.ts"), "UsersPage"),
      page("workspaces", () => import("./admin-pages.ts"), "WorkspacesPage"),
      page("runners", () => import("./admin-pages.ts"), "PoolsPage"),
      page("runners/$pool", () => import("./admin-pages.ts"), "PoolPage"),
      page("usage", () => import("./admin-pages.ts"), "UsagePage"),
      page("audit", () => import("./admin-pages.ts"), "AuditPage"),
      page("backup", () => import("./admin-pages.ts"), "BackupPage"),
    ]),
  ];
}
