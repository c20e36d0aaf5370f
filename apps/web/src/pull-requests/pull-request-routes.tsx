import type { AnyRoute } from "@tanstack/react-router";

export function pullRequestRoutes(_app: AnyRoute): AnyRoute[] {
  return [];
}
