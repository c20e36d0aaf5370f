import { Link, Outlet, useLocation, useParams } from "@tanstack/react-router";
import { WorkspaceKey } from "@windshift/contract/ids.ts";
import { useRole } from "../api/me.ts";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";

const PARTS = [
  ["general", "General"],
  ["members", "Members"],
  ["agents", "Agents"],
  ["connections", "Connections"],
  ["repositories", "Repositories"],
  ["skills", "Skills"],
  ["budgets", "Budgets"],
  ["labels", "Labels"],
  ["audit", "Audit log"],
] as const;

/** The settings of a workspace beside their menu. For who is no admin of it they are not there. */
export function SettingsFrame() {
  const key = useWorkspaceKey();
  const role = useRole(key);
  if (!WorkspaceKey.safeParse(key).success || role !== "admin") return <NotFoundPage />;
  return (
    <SideFrame
      name="Settings"
      entries={PARTS.map(([part, text]) => ({ text, to: paths.settings(key, part) }))}
    />
  );
}

/** The key in the address of the page. */
export function useWorkspaceKey(): string {
  const { workspace = "" } = useParams({ strict: false }) as { workspace?: string };
  return workspace;
}

/** Pages that belong together, with a menu at their side, or above them on a narrow screen. */
export function SideFrame(props: { name: string; entries: readonly { text: string; to: string }[] }) {
  const { pathname } = useLocation();
  return (
    <div className="settings">
      <nav aria-label={props.name} className="settings-menu">
        {props.entries.map(({ text, to }) => {
          const here = pathname === to || pathname.startsWith(`${to}/`);
          return (
            <Link key={to} to={to} className="settings-entry" {...(here ? { "aria-current": "page" } : {})}>
              {text}
            </Link>
          );
        })}
      </nav>
      <div className="settings-main">
        <Outlet />
      </div>
    </div>
  );
}
