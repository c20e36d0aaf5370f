import { useInfiniteQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import type { Activity } from "@windshift/contract/api/activity.ts";
import { WorkspaceKey } from "@windshift/contract/ids.ts";
import { useMe, useRole } from "../api/me.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { onFirstUse } from "../parts/first-use.ts";
import { MoreButton } from "../parts/more-button.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { PagePending } from "../shell/page-pending.tsx";
import { ActivityText } from "./activity-text.tsx";
import { activityQuery } from "./item-queries.ts";
import { useLiveItems } from "./live-items.ts";
import { PlainLink } from "./plain-link.tsx";

/** Who did what in a workspace, the newest first, day by day. */
export function WorkspaceActivityPage() {
  const { workspace } = useParams({ strict: false }) as { workspace?: string };
  const key = WorkspaceKey.safeParse(workspace);
  const role = useRole(key.data ?? "");
  if (!key.success || role === undefined) return <NotFoundPage />;
  return <WorkspaceActivity key={key.data} workspace={key.data} />;
}

function WorkspaceActivity({ workspace }: { workspace: string }) {
  const name = useMe().workspaces.find(({ key }) => key === workspace)?.name ?? workspace;
  const read = useInfiniteQuery(activityQuery({ workspace }));
  useLiveItems(workspace);
  if (read.error !== null && read.data === undefined) throw read.error;
  const days = byDay(read.data?.pages.flatMap(({ activity }) => activity) ?? []);
  return (
    <>
      <PageHead title={`${name}: activity`} />
      {read.isPending && <PagePending />}
      {!read.isPending && days.length === 0 && (
        <EmptyState title="Nothing has happened yet">
          What people and agents do with the items of this workspace stands here.
        </EmptyState>
      )}
      {days.map(([day, entries]) => (
        <section key={day} aria-label={day} className="activity-day">
          <h2>{day}</h2>
          <ul className="activity-list">
            {entries.map((entry) => (
              <li key={entry.id}>
                <PlainLink to={paths.item(entry.item.key)}>
                  {entry.item.key} {visibleText(entry.item.title)}
                </PlainLink>
                <span>
                  <ActivityText entry={entry} />
                </span>
                <span className="quiet">
                  <TimeText at={entry.created_at} />
                </span>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <MoreButton list={read}>Show earlier</MoreButton>
    </>
  );
}

const dayFormat = onFirstUse(
  () => new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long", year: "numeric" }),
);

function byDay(activity: readonly Activity[]): [string, Activity[]][] {
  const days = new Map<string, Activity[]>();
  for (const entry of activity) {
    const day = dayFormat().format(new Date(entry.created_at));
    days.set(day, [...(days.get(day) ?? []), entry]);
  }
  return [...days];
}
