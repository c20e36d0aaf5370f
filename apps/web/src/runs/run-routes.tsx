import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { queryClient } from "../api/query-client.ts";
import { pageRoute } from "../shell/page-route.ts";
import { runQuery } from "./run-queries.ts";

/** One run by itself, and the runs of a workspace. */
export function runRoutes(app: AnyRoute): AnyRoute[] {
  const run = createRoute({
    getParentRoute: () => app,
    path: "/items/$item/runs/$run",
    component: lazyRouteComponent(() => import("../areas/work-pages.ts"), "RunPage"),
    // Before the page is drawn: React takes 0.3 s from a page that waits for an answer to the page that has it, however soon that
    // comes. What is wrong with the answer the page itself says.
    loader: async ({ params }) => {
      const { run } = params as { run: string };
      if (/^[1-9]\d*$/.test(run))
        await queryClient.ensureQueryData(runQuery(Number(run))).catch(() => undefined);
    },
  });
  return [
    run,
    pageRoute(app, "/w/$workspace/runs", () => import("../areas/work-pages.ts"), "WorkspaceRunsPage"),
  ];
}
