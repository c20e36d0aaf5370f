import type { AnyRoute } from "@tanstack/react-router";

export function accountRoutes(_app: AnyRoute): AnyRoute[] {
  return [];
}
