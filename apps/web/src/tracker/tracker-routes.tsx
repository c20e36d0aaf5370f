import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { ReactNode } from "react";

/** Work items, boards, documents, activity and the inbox. */
export function trackerRoutes(app: AnyRoute) {
  const page = <N extends string>(path: string, load: () => Promise<Record<N, () => ReactNode>>, name: N) =>
    createRoute({ getParentRoute: () => app, path, component: lazyRouteComponent(load, name) });
  const pages = () => import("../areas/work-pages.ts");
  return [
    page("/", () => import("../areas/work-pages.ts"), "MyWorkPage"),
    page("/inbox", () => import("../areas/work-pages.ts"), "InboxPage"),
    page("/w/$workspace", () => import("../areas/work-pages.ts"), "ItemListPage"),
    page("/w/$workspace/board", () => import("../areas/work-pages.ts"), "BoardPage"),
    page("/w/$workspace/activity", () => import("../areas/work-pages.ts"), "WorkspaceActivityPage"),
    page("/w/$workspace/pages", pages, "PagesPage"),
    page("/w/$workspace/pages/$page", pages, "PagesPage"),
    createRoute({
      getParentRoute: () => app,
      path: "/items/$item",
      component: lazyRouteComponent(() => import("../areas/work-pages.ts"), "ItemPage"),
      // A pointer that passes over a link fetches code, not what every item says.
      preload: false,
      loader: async ({ params: { item }, abortController: { signal } }) =>
        (await import("../areas/work-pages.ts")).readItem(item, signal),
    }),
  ];
}
