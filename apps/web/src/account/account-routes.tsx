import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router";

/** What a person sees to for themselves. */
export function accountRoutes(app: AnyRoute): AnyRoute[] {
  return [
    createRoute({
      getParentRoute: () => app,
      path: "/account",
      component: lazyRouteComponent(() => import("../areas/office-pages.ts"), "AccountPage"),
    }),
  ];
}
