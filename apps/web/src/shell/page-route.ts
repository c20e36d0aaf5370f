import { type AnyRoute, createRoute, lazyRouteComponent } from "@tanstack/react-router";

/**
 * A page that is loaded when it is opened.
 * @param name what its module exports
 * @param read reads what the page shows first, so that it is drawn once: what a drawing waits for stays hidden for 0.3 s at least.
 *   What cannot be read is left to the page, which says so.
 */
export function pageRoute<M extends Record<string, unknown>, K extends keyof M & string>(
  parent: AnyRoute,
  path: string,
  load: () => Promise<M>,
  name: K,
  read?: (module: M) => Promise<unknown>,
): AnyRoute {
  return createRoute({
    getParentRoute: () => parent,
    path,
    component: lazyRouteComponent(load, name),
    ...(read === undefined ? {} : { loader: async () => void (await read(await load())) }),
  });
}
