import { useInfiniteQuery } from "@tanstack/react-query";
import type { Activity } from "@windshift/contract/api/activity.ts";
import type { Comment } from "@windshift/contract/api/comment.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { Role } from "@windshift/contract/api/workspace.ts";
import { useEffect, useState } from "react";
import { Button } from "../parts/button.tsx";
import { Switcher } from "../parts/switcher.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { ActivityText } from "./activity-text.tsx";
import { CommentCard } from "./comment-card.tsx";
import { CommentForm } from "./comment-form.tsx";
import { activityQuery, commentsQuery } from "./item-queries.ts";

/** Steps of comments that are read by themselves; more are read when asked for. */
const STEPS_MAX = 5;

type Entry =
  | { kind: "comment"; at: string; id: string; comment: Comment }
  | { kind: "activity"; at: string; id: string; entry: Activity };

/** What was said and what happened, oldest first, and the field to say more. */
export function ItemStory({ item, role }: { item: WorkItemDetail; role: Role }) {
  const [all, setAll] = useState(true);
  const comments = useInfiniteQuery(commentsQuery(item.key));
  const activity = useInfiniteQuery(activityQuery({ item: item.key }));
  const { hasNextPage, isFetching, fetchNextPage, data } = comments;
  const steps = data?.pages.length ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetching && steps < STEPS_MAX) void fetchNextPage();
  }, [hasNextPage, isFetching, steps, fetchNextPage]);
  const entries = mixed(
    data?.pages.flatMap((page) => page.comments) ?? [],
    all ? (activity.data?.pages.flatMap((page) => page.activity) ?? []) : [],
  );
  useNamedComment(entries.length);
  return (
    <section aria-labelledby="story-title" className="story">
      <div className="story-head">
        <h2 id="story-title">Comments and activity</h2>
        <Switcher
          label="What is shown"
          value={all ? "all" : "comments"}
          onChange={(shown) => setAll(shown === "all")}
          choices={[
            { value: "all", text: "All" },
            { value: "comments", text: "Comments" },
          ]}
        />
      </div>
      {all && activity.hasNextPage && (
        <Button
          variant="subtle"
          size="compact-sm"
          loading={activity.isFetching}
          onClick={() => void activity.fetchNextPage()}
        >
          Show earlier activity
        </Button>
      )}
      <ol className="story-entries">
        {entries.map((entry) => (
          <li key={entry.id} {...(entry.kind === "comment" ? { id: `comment-${entry.comment.id}` } : {})}>
            {entry.kind === "comment" ? (
              <CommentCard comment={entry.comment} item={item} role={role} />
            ) : (
              <p className="story-activity">
                <ActivityText entry={entry.entry} /> · <TimeText at={entry.at} />
              </p>
            )}
          </li>
        ))}
      </ol>
      <Unread what="Comments" list={comments} />
      {all && <Unread what="What happened" list={activity} />}
      {entries.length === 0 && comments.isSuccess && !isFetching && <p className="quiet">No comments yet.</p>}
      {hasNextPage && steps >= STEPS_MAX && (
        <Button variant="default" size="compact-sm" loading={isFetching} onClick={() => void fetchNextPage()}>
          Show later comments
        </Button>
      )}
      {role !== "viewer" && <CommentForm item={item} />}
    </section>
  );
}

/** What could not be read at all is not taken for empty. */
function Unread({ what, list }: { what: string; list: Unreadable }) {
  if (!list.isLoadingError) return null;
  return (
    <div className="in-row more">
      <p role="alert" className="problem">
        {what} could not be read: {list.error?.message}
      </p>
      <Button
        variant="default"
        size="compact-sm"
        loading={list.isFetching}
        onClick={() => void list.refetch()}
      >
        Try again
      </Button>
    </div>
  );
}

/** The part of a query's state that says whether there was an answer. */
interface Unreadable {
  isLoadingError: boolean;
  isFetching: boolean;
  error: Error | null;
  refetch(): unknown;
}

/** Both in one order of time. That somebody commented is said by the comment itself. */
function mixed(comments: readonly Comment[], activity: readonly Activity[]): Entry[] {
  const entries: Entry[] = [
    ...comments.map(
      (comment): Entry => ({ kind: "comment", at: comment.created_at, id: `c${comment.id}`, comment }),
    ),
    ...activity
      .filter(({ change }) => change.kind !== "comment")
      .map((entry): Entry => ({ kind: "activity", at: entry.created_at, id: `a${entry.id}`, entry })),
  ];
  return entries.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
}

/** Goes to the comment that the address names, once it is there. */
function useNamedComment(count: number): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: each time more is shown, the named one may have come.
  useEffect(() => {
    const id = /^#comment-\d+$/.exec(location.hash)?.[0];
    if (id === undefined) return;
    const named = document.querySelector(id);
    if (named === null || named.classList.contains("named")) return;
    named.classList.add("named");
    named.scrollIntoView({ block: "center" });
  }, [count]);
}
