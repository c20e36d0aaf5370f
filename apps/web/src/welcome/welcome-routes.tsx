import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router";

/** What is open to those who are not signed in: sign-in, first set-up, invitations, sign-in of a command line. */
export function welcomeRoutes(root: AnyRoute) {
  const page = (path: string, load: () => Promise<Record<string, () => React.ReactNode>>, name: string) =>
    createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load, name) });
  return [page("/login", () => import("./login-page.tsx"), "LoginPage")];
}
