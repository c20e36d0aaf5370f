import type { AnyRoute } from "@tanstack/react-router";
import { pageRoute } from "../shell/page-route.ts";

export function pullRequestRoutes(app: AnyRoute): AnyRoute[] {
  return [
    pageRoute(app, "/pull-requests/$pullRequest", () => import("../areas/work-pages.ts"), "PullRequestPage"),
  ];
}
