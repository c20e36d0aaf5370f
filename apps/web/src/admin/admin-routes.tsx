import { type AnyRoute, createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { paths } from "../paths.ts";

/** What administrators of the installation see to. A pool keeps its former address. */
export function adminRoutes(app: AnyRoute): AnyRoute[] {
  const frame = createRoute({
    getParentRoute: () => app,
    path: "/admin",
    component: lazyRouteComponent(() => import("../areas/office-pages.ts"), "AdminFrame"),
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
      page("users", () => import("../areas/office-pages.ts"), "UsersPage"),
      page("workspaces", () => import("../areas/office-pages.ts"), "WorkspacesPage"),
      page("runners", () => import("../areas/office-pages.ts"), "PoolsPage"),
      page("runners/$pool", () => import("../areas/office-pages.ts"), "PoolPage"),
      page("usage", () => import("../areas/office-pages.ts"), "UsagePage"),
      page("audit", () => import("../areas/office-pages.ts"), "AuditPage"),
      page("backup", () => import("../areas/office-pages.ts"), "BackupPage"),
    ]),
  ];
}
