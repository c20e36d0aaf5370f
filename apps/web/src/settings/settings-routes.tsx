import type { AnyRoute } from "@tanstack/react-router";

export function settingsRoutes(_app: AnyRoute): AnyRoute[] {
  return [];
}
