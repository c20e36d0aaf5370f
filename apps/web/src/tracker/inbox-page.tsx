import { Button } from "@mantine/core";
import {
  IconAt,
  IconGitPullRequest,
  IconHandStop,
  IconMessage,
  IconPlayerStop,
  IconUserCheck,
} from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { Notification, NotificationKind } from "@windshift/contract/api/notification.ts";
import { useRef, useState } from "react";
import { AppLink } from "../parts/app-link.tsx";
import { EmptyState } from "../parts/empty-state.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { PersonName } from "../parts/person-name.tsx";
import { Switcher } from "../parts/switcher.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { PagePending } from "../shell/page-pending.tsx";
import { useShortcuts } from "../shell/shortcuts.ts";
import { notificationsQuery, useMarkRead } from "./notification-queries.ts";

const KINDS: Record<NotificationKind, { text: string; icon: typeof IconAt }> = {
  mentioned: { text: "mentioned you", icon: IconAt },
  assigned: { text: "assigned this to you", icon: IconUserCheck },
  commented: { text: "commented", icon: IconMessage },
  run_ended: { text: "A run ended", icon: IconPlayerStop },
  run_waiting: { text: "A run waits for you", icon: IconHandStop },
  pull_request: { text: "Pull request", icon: IconGitPullRequest },
};

/** What the reader was told of: what calls them, what they follow, what their runs came to. */
export function InboxPage() {
  const [unread, setUnread] = useState(true);
  const read = useInfiniteQuery(notificationsQuery(unread));
  const mark = useMarkRead();
  const list = useRef<HTMLUListElement>(null);
  useInboxKeys(list);
  if (read.error !== null && read.data === undefined) throw read.error;
  const all = read.data?.pages.flatMap(({ notifications }) => notifications) ?? [];
  const newest = all[0];
  return (
    <>
      <PageHead title="Inbox">
        <Switcher
          label="What is shown"
          value={unread ? "unread" : "all"}
          onChange={(shown) => setUnread(shown === "unread")}
          choices={[
            { value: "unread", text: "Unread" },
            { value: "all", text: "All" },
          ]}
        />
        {newest !== undefined && all.some((one) => !one.read) && (
          <Button
            variant="default"
            size="compact-sm"
            loading={mark.isPending}
            onClick={() => mark.mutate({ all: true, up_to: newest.id })}
          >
            Mark all as read
          </Button>
        )}
      </PageHead>
      {read.isPending && <PagePending />}
      {!read.isPending && all.length === 0 && (
        <EmptyState title={unread ? "Nothing unread" : "Nothing yet"}>
          You hear when somebody calls you, assigns something to you or comments on what you follow, and when
          your runs end or wait for you.
        </EmptyState>
      )}
      <ul className="inbox" ref={list}>
        {all.map((one) => (
          <li key={one.id} className={one.read ? "inbox-line" : "inbox-line inbox-unread"}>
            <NotificationLine notification={one} onRead={() => !one.read && mark.mutate({ ids: [one.id] })} />
          </li>
        ))}
      </ul>
      <MoreButton list={read}>Show earlier</MoreButton>
    </>
  );
}

function NotificationLine(props: { notification: Notification; onRead(): void }) {
  const { notification, onRead } = props;
  const { kind, item, actor, text, read } = notification;
  const { text: words, icon: Icon } = KINDS[kind];
  return (
    <>
      <Icon size={16} aria-hidden className="inbox-icon" />
      <div className="inbox-text">
        <AppLink href={placeOf(notification)} className="inbox-link" onClick={onRead} data-line>
          {!read && <span className="sr-only">Unread: </span>}
          <span className="item-key">{item.key}</span> {visibleText(item.title)}
        </AppLink>
        <p>
          {actor === null ? (
            <b>{words}</b>
          ) : (
            <>
              <b>
                <PersonName user={actor} />
              </b>{" "}
              {/^[A-Z]/.test(words) ? `· ${words}` : words}
            </>
          )}
          {text !== "" && <span className="quiet"> · {visibleText(text)}</span>}
        </p>
      </div>
      <span className="quiet inbox-time">
        <TimeText at={notification.created_at} />
      </span>
      {!read && (
        <Button
          variant="subtle"
          color="gray"
          size="compact-xs"
          onClick={onRead}
          aria-label={`Mark read: ${item.key}`}
        >
          Mark read
        </Button>
      )}
    </>
  );
}

/** Where what happened is to be seen. */
function placeOf({ item, comment_id, run_id, pull_request_id, kind }: Notification): string {
  if (kind === "pull_request" && pull_request_id !== null) return paths.pullRequest(pull_request_id);
  if (comment_id !== null) return `${paths.item(item.key)}#comment-${comment_id}`;
  if (run_id !== null) return paths.run(item.key, run_id);
  return paths.item(item.key);
}

function useInboxKeys(list: { current: HTMLElement | null }): void {
  const move = (step: 1 | -1) => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>("[data-line]") ?? [])];
    const at = document.activeElement instanceof HTMLElement ? rows.indexOf(document.activeElement) : -1;
    rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus();
  };
  const group = "Inbox";
  useShortcuts([
    { keys: "j", does: "Next notification", group, run: () => move(1) },
    { keys: "k", does: "Previous notification", group, run: () => move(-1) },
  ]);
}
