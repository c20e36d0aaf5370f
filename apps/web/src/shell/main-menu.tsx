import {
  IconActivity,
  IconChecklist,
  IconFileText,
  IconInbox,
  IconLayoutKanban,
  IconPlayerPlay,
  IconServer,
  IconSettings,
  IconUser,
} from "@tabler/icons-react";
import { useLocation, useRouter } from "@tanstack/react-router";
import type { ComponentType, ReactNode } from "react";
import { useMe } from "../api/me.ts";
import { AppLink } from "../parts/app-link.tsx";
import { paths } from "../paths.ts";
import { useLiveInbox } from "./live-inbox.ts";

/** The workspaces with what is in them, and what is everybody's. */
export function MainMenu() {
  const me = useMe();
  useLiveInbox();
  return (
    <>
      <Entry to={paths.myWork} label="My work" icon={IconUser} exact />
      <Entry
        to={paths.inbox}
        label="Inbox"
        icon={IconInbox}
        aside={<Unread count={me.notifications_unread} />}
      />
      <span className="sr-only" role="status">
        {me.notifications_unread > 0 ? `${me.notifications_unread} unread in the inbox` : ""}
      </span>
      {me.workspaces.map(({ key, name, role }) => (
        <section key={key} aria-label={name}>
          <h2 className="menu-heading">{name}</h2>
          <Entry to={paths.items(key)} label="Work items" icon={IconChecklist} exact />
          <Entry to={paths.board(key)} label="Board" icon={IconLayoutKanban} />
          <Entry to={paths.pages(key)} label="Pages" icon={IconFileText} />
          <Entry to={paths.runs(key)} label="Runs" icon={IconPlayerPlay} />
          <Entry to={paths.activity(key)} label="Activity" icon={IconActivity} />
          {role === "admin" && (
            <Entry
              to={paths.settings(key)}
              within={`/w/${key}/settings`}
              label="Settings"
              icon={IconSettings}
            />
          )}
        </section>
      ))}
      {me.admin && (
        <section aria-label="Administration">
          <h2 className="menu-heading">Administration</h2>
          <Entry to={paths.admin("users")} within="/admin" label="Installation" icon={IconServer} />
        </section>
      )}
    </>
  );
}

/** A count above it says no more to anybody. */
const UNREAD_SHOWN_MAX = 99;

function Unread({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <span className="menu-count">
      {count > UNREAD_SHOWN_MAX ? `${UNREAD_SHOWN_MAX}+` : count}
      <span className="sr-only"> unread</span>
    </span>
  );
}

function Entry(props: {
  to: string;
  label: string;
  icon: ComponentType<{ size: number; stroke: number; "aria-hidden": boolean }>;
  exact?: boolean;
  /** Shown as where the reader is on every path that begins so. */
  within?: string;
  aside?: ReactNode;
}) {
  const { pathname } = useLocation();
  const router = useRouter();
  const { to, label, icon: Icon, exact, within = to } = props;
  const here = exact ? pathname === to : pathname === within || pathname.startsWith(`${within}/`);
  // Only what the page is made of; what it shows is read when it is gone to.
  const preload = () => void router.preloadRoute({ to }).catch(() => undefined);
  return (
    <AppLink
      href={to}
      className={here ? "menu-entry menu-here" : "menu-entry"}
      {...(here ? { "aria-current": "page" as const } : {})}
      onPointerEnter={preload}
      onFocus={preload}
    >
      <Icon size={16} stroke={1.6} aria-hidden />
      <span className="menu-text">{label}</span>
      {props.aside}
    </AppLink>
  );
}
