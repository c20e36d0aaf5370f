import { useLocation } from "@tanstack/react-router";
import type { Role } from "@windshift/contract/api/workspace.ts";
import { useMe } from "../api/me.ts";

/** The workspace that the page is about, or the caller's first one; undefined when they are in none. */
export function useHere(): { workspace: string | undefined; role: Role | undefined } {
  const me = useMe();
  const { pathname } = useLocation();
  const named = /^\/(?:w|items)\/([A-Z][A-Z0-9]{1,9})(?:[-/]|$)/.exec(pathname)?.[1];
  const found =
    me.workspaces.find(({ key }) => key === named) ??
    me.workspaces.find(({ role }) => role !== "viewer") ??
    me.workspaces[0];
  return { workspace: found?.key, role: found?.role };
}
