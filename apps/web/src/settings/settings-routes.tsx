import { type AnyRoute, createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { paths } from "../paths.ts";

/** What the admins of a workspace see to, and the guide to the first run. */
export function settingsRoutes(app: AnyRoute): AnyRoute[] {
  const frame = createRoute({
    getParentRoute: () => app,
    path: "/w/$workspace/settings",
    component: lazyRouteComponent(() => import("./settings-frame.tsx"), "SettingsFrame"),
  });
  const page = <N extends string>(path: string, load: () => Promise<Record<N, () => ReactNode>>, name: N) =>
    createRoute({ getParentRoute: () => frame, path, component: lazyRouteComponent(load, name) });
  const guide = createRoute({
    getParentRoute: () => app,
    path: "/w/$workspace/setup",
    component: lazyRouteComponent(() => import("./guide-page.tsx"), "GuidePage"),
  });
  return [
    frame.addChildren([
      leadOn(frame, "/", ({ workspace = "" }) => paths.settings(workspace)),
      page("general", () => import("./general-page.tsx"), "GeneralPage"),
      page("members", () => import("./members-page.tsx"), "MembersPage"),
      page("agents", () => import("./agents-page.tsx"), "AgentsPage"),
      page("agents/$agent", () => import("./agent-page.tsx"), "AgentPage"),
      page("connections", () => import("./connections-page.tsx"), "ConnectionsPage"),
      page("connections/new/$kind", () => import("./new-connection-page.tsx"), "NewConnectionPage"),
      page("connections/$connection", () => import("./connection-page.tsx"), "ConnectionPage"),
      page("repositories", () => import("./repositories-page.tsx"), "RepositoriesPage"),
      page("skills", () => import("./skills-page.tsx"), "SkillsPage"),
      page("skills/$skill", () => import("./skill-page.tsx"), "SkillPage"),
      page("budgets", () => import("./budgets-page.tsx"), "BudgetsPage"),
      page("labels", () => import("./labels-page.tsx"), "LabelsPage"),
      page("audit", () => import("./workspace-audit-page.tsx"), "WorkspaceAuditPage"),
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
