import type { AnyRoute } from "@tanstack/react-router";
import { pageRoute } from "../shell/page-route.ts";

/** Addresses of pull requests, below the shell of the app; their code is loaded with the first one that is opened. */
export function pullRequestRoutes(app: AnyRoute): AnyRoute[] {
  return [
    pageRoute(app, "/pull-requests/$pullRequest", () => import("../areas/work-pages.ts"), "PullRequestPage"),
  ];
}
