import { type AnyRoute, createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { paths } from "../paths.ts";

/** What administrators of the installation see to. A pool keeps its former address. */
export function adminRoutes(app: AnyRoute): AnyRoute[] {
  const frame = createRoute({
    getParentRoute: () => app,
    path: "/admin",
    component: lazyRouteComponent(() => import("./admin-frame.tsx"), "AdminFrame"),
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
      page("users", () => import("./users-page.tsx"), "UsersPage"),
      page("workspaces", () => import("./workspaces-page.tsx"), "WorkspacesPage"),
      page("runners", () => import("./pools-page.tsx"), "PoolsPage"),
      page("runners/$pool", () => import("./pool-page.tsx"), "PoolPage"),
      page("usage", () => import("./usage-page.tsx"), "UsagePage"),
      page("audit", () => import("./audit-page.tsx"), "AuditPage"),
      page("backup", () => import("./backup-page.tsx"), "BackupPage"),
    ]),
  ];
}
