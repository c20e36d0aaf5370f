import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { ReactNode } from "react";

/** Work items, boards, documents, activity and the inbox. */
export function trackerRoutes(app: AnyRoute) {
  const page = <N extends string>(path: string, load: () => Promise<Record<N, () => ReactNode>>, name: N) =>
    createRoute({ getParentRoute: () => app, path, component: lazyRouteComponent(load, name) });
  const pages = () => import("./pages-page.tsx");
  return [
    page("/", () => import("./my-work-page.tsx"), "MyWorkPage"),
    page("/inbox", () => import("./inbox-page.tsx"), "InboxPage"),
    page("/w/$workspace", () => import("./item-list-page.tsx"), "ItemListPage"),
    page("/w/$workspace/board", () => import("./board-page.tsx"), "BoardPage"),
    page("/w/$workspace/activity", () => import("./activity-page.tsx"), "WorkspaceActivityPage"),
    page("/w/$workspace/pages", pages, "PagesPage"),
    page("/w/$workspace/pages/$page", pages, "PagesPage"),
    page("/items/$item", () => import("./item-page.tsx"), "ItemPage"),
  ];
}
