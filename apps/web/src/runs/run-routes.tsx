import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { pageRoute } from "../shell/page-route.ts";

const pages = () => import("../areas/work-pages.ts");

/** One run by itself, and the runs of a workspace. */
export function runRoutes(app: AnyRoute): AnyRoute[] {
  const run = createRoute({
    getParentRoute: () => app,
    path: "/items/$item/runs/$run",
    component: lazyRouteComponent(pages, "RunPage"),
    // A pointer that passes over a link fetches code, not a transcript.
    preload: false,
    loader: async ({ params, abortController }) =>
      (await pages()).readRun((params as { run: string }).run, abortController.signal),
  });
  return [run, pageRoute(app, "/w/$workspace/runs", pages, "WorkspaceRunsPage")];
}
