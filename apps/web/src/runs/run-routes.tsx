import type { AnyRoute } from "@tanstack/react-router";
import { pageRoute } from "../shell/page-route.ts";

/** One run by itself, and the runs of a workspace. */
export function runRoutes(app: AnyRoute): AnyRoute[] {
  return [
    pageRoute(app, "/items/$item/runs/$run", () => import("../areas/work-pages.ts"), "RunPage"),
    pageRoute(app, "/w/$workspace/runs", () => import("../areas/work-pages.ts"), "WorkspaceRunsPage"),
  ];
}
