import type { AnyRoute } from "@tanstack/react-router";
import { pageRoute } from "../shell/page-route.ts";

/** What is open to those who are not signed in: sign-in, first set-up, invitations, sign-in of a command line. */
export function welcomeRoutes(root: AnyRoute) {
  return [
    pageRoute(root, "/login", () => import("./login-page.tsx"), "LoginPage"),
    pageRoute(root, "/setup", () => import("./set-up-page.tsx"), "SetUpPage"),
    pageRoute(root, "/invite/$token", () => import("./invite-page.tsx"), "InvitePage"),
    pageRoute(root, "/reset/$token", () => import("./reset-page.tsx"), "ResetPage"),
    pageRoute(root, "/cli/$code", () => import("./cli-page.tsx"), "CliPage"),
  ];
}
