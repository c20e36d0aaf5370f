import type { AnyRoute } from "@tanstack/react-router";

export function runRoutes(_app: AnyRoute): AnyRoute[] {
  return [];
}
