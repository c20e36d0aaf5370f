import type { AnyRoute } from "@tanstack/react-router";
import { pageRoute } from "../shell/page-route.ts";

/** What is open to those who are not signed in: sign-in, first set-up, invitations, sign-in of a command line. */
export function welcomeRoutes(root: AnyRoute) {
  return [
    pageRoute(
      root,
      "/login",
      () => import("./welcome-pages.ts"),
      "LoginPage",
      ({ readSetup }) => readSetup(),
    ),
    pageRoute(
      root,
      "/setup",
      () => import("./welcome-pages.ts"),
      "SetUpPage",
      ({ readSetup }) => readSetup(),
    ),
    pageRoute(root, "/invite/$token", () => import("./welcome-pages.ts"), "InvitePage"),
    pageRoute(root, "/reset/$token", () => import("./welcome-pages.ts"), "ResetPage"),
    pageRoute(root, "/cli/$code", () => import("./welcome-pages.ts"), "CliPage"),
  ];
}
