import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router";

/** Work items, boards, documents, activity and the inbox. */
export function trackerRoutes(app: AnyRoute) {
  const page = (path: string, load: () => Promise<Record<string, () => React.ReactNode>>, name: string) =>
    createRoute({ getParentRoute: () => app, path, component: lazyRouteComponent(load, name) });
  return [page("/", () => import("./my-work-page.tsx"), "MyWorkPage")];
}
