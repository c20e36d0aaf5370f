import type { AnyRoute } from "@tanstack/react-router";
import { pageRoute } from "../shell/page-route.ts";

/** Work items, boards, documents, activity and the inbox. */
export function trackerRoutes(app: AnyRoute) {
  return [pageRoute(app, "/", () => import("./my-work-page.tsx"), "MyWorkPage")];
}
