import { type AnyRoute, createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { paths } from "../paths.ts";

/** What the admins of a workspace see to, and the guide to the first run. */
export function settingsRoutes(app: AnyRoute): AnyRoute[] {
  const frame = createRoute({
    getParentRoute: () => app,
    path: "/w/$workspace/settings",
    component: lazyRouteComponent(() => import("../areas/office-pages.ts"), "SettingsFrame"),
  });
  const page = <N extends string>(path: string, load: () => Promise<Record<N, () => ReactNode>>, name: N) =>
    createRoute({ getParentRoute: () => frame, path, component: lazyRouteComponent(load, name) });
  const guide = createRoute({
    getParentRoute: () => app,
    path: "/w/$workspace/setup",
    component: lazyRouteComponent(() => import("../areas/office-pages.ts"), "GuidePage"),
  });
  return [
    frame.addChildren([
      leadOn(frame, "/", ({ workspace = "" }) => paths.settings(workspace)),
      page("general", () => import("../areas/office-pages.ts"), "GeneralPage"),
      page("members", () => import("../areas/office-pages.ts"), "MembersPage"),
      page("agents", () => import("../areas/office-pages.ts"), "AgentsPage"),
      page("agents/$agent", () => import("../areas/office-pages.ts"), "AgentPage"),
      page("connections", () => import("../areas/office-pages.ts"), "ConnectionsPage"),
      page("connections/new/$kind", () => import("../areas/office-pages.ts"), "NewConnectionPage"),
      page("connections/$connection", () => import("../areas/office-pages.ts"), "ConnectionPage"),
      page("repositories", () => import("../areas/office-pages.ts"), "RepositoriesPage"),
      page("skills", () => import("../areas/office-pages.ts"), "SkillsPage"),
      page("skills/$skill", () => import("../areas/office-pages.ts"), "SkillPage"),
      page("budgets", () => import("../areas/office-pages.ts"), "BudgetsPage"),
      page("labels", () => import("../areas/office-pages.ts"), "LabelsPage"),
      page("audit", () => import("../areas/office-pages.ts"), "WorkspaceAuditPage"),
    ]),
    guide,
    ...formerPaths(app),
  ];
}

/** Addresses of the former pages: comments, forges and bookmarks still name them. */
function formerPaths(app: AnyRoute): AnyRoute[] {
  return [
    leadOn(app, "/workspaces/$workspace/settings", ({ workspace = "" }) =>
      paths.settings(workspace, "connections"),
    ),
    leadOn(app, "/workspaces/$workspace/budgets", ({ workspace = "" }) =>
      paths.settings(workspace, "budgets"),
    ),
    leadOn(app, "/workspaces/$workspace/connections/new/$kind", ({ workspace = "", kind }) =>
      paths.settings(workspace, `connections/new/${kind}`),
    ),
    leadOn(app, "/workspaces/$workspace/connections/$connection", ({ workspace = "", connection }) =>
      paths.settings(workspace, `connections/${connection}`),
    ),
    leadOn(
      app,
      "/workspaces/$workspace/connections/$connection/repositories",
      ({ workspace = "", connection }) =>
        `${paths.settings(workspace, "repositories")}?connection=${connection}`,
    ),
  ];
}

function leadOn(parent: AnyRoute, path: string, to: (params: Record<string, string>) => string): AnyRoute {
  return createRoute({
    getParentRoute: () => parent,
    path,
    beforeLoad: ({ params, location }) => {
      throw redirect({ href: to(params as Record<string, string>) + location.hash, replace: true });
    },
  });
}
