import type { AnyRoute } from "@tanstack/react-router";

export function adminRoutes(_app: AnyRoute): AnyRoute[] {
  return [];
}
