import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router";

/**
 * A page that is loaded when it is opened.
 * @param name what its module exports
 */
export function pageRoute<M extends Record<string, unknown>, K extends keyof M & string>(
  parent: AnyRoute,
  path: string,
  load: () => Promise<M>,
  name: K,
): AnyRoute {
  return createRoute({ getParentRoute: () => parent, path, component: lazyRouteComponent(load, name) });
}
