import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type ItemQuery, type WorkItem, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import type { Grouping } from "./item-filter.ts";
import { itemCountsQuery, itemListQuery, oneStatus } from "./item-queries.ts";
import { itemsOf } from "./item-shown.ts";

/** What stands in a list, from its top to its end. */
export type Line =
  | { kind: "head"; id: string; status: WorkItemStatus; count: number | undefined; open: boolean }
  | { kind: "item"; id: string; item: WorkItem }
  | { kind: "more"; id: string; busy: boolean; load(): void };

export interface ItemLines {
  lines: Line[];
  /** Nothing has come yet. */
  loading: boolean;
  error: Error | null;
}

/**
 * Items of a workspace as the lines of a list. Grouped, each status is read by itself, so that the first of each are there
 * however many others have.
 * @param closed statuses whose items are folded away; they are not read
 */
export function useItemLines(
  workspace: string,
  query: ItemQuery,
  grouping: Grouping,
  closed: ReadonlySet<WorkItemStatus>,
): ItemLines {
  const grouped = grouping === "status";
  const wanted = query.status ?? WorkItemStatus.options;
  const counts = useQuery({ ...itemCountsQuery(workspace, query), enabled: grouped }).data?.counts;
  const flat = useInfiniteQuery({ ...itemListQuery(workspace, query), enabled: !grouped });
  const readable = (status: WorkItemStatus) => grouped && wanted.includes(status) && !closed.has(status);
  // One hook a status, always in the same order: there are five of them for good.
  const parts = [
    useStatusPart(workspace, query, "todo", readable("todo")),
    useStatusPart(workspace, query, "in_progress", readable("in_progress")),
    useStatusPart(workspace, query, "in_review", readable("in_review")),
    useStatusPart(workspace, query, "done", readable("done")),
    useStatusPart(workspace, query, "canceled", readable("canceled")),
  ];
  if (!grouped)
    return {
      lines: linesOf("all", flat),
      loading: flat.isPending,
      error: flat.data === undefined ? flat.error : null,
    };
  const shown = parts.filter(({ status }) => wanted.includes(status));
  const open = shown.filter(({ status }) => !closed.has(status));
  const lines = shown.flatMap(({ status, read }): Line[] => {
    const count = counts?.[status];
    const items = closed.has(status) ? [] : linesOf(status, read);
    if (count === 0 && items.length === 0) return [];
    return [{ kind: "head", id: `head ${status}`, status, count, open: !closed.has(status) }, ...items];
  });
  return {
    lines,
    loading: open.some(({ read }) => read.isPending) || counts === undefined,
    error: open.find(({ read }) => read.data === undefined && read.error !== null)?.read.error ?? null,
  };
}

function useStatusPart(workspace: string, query: ItemQuery, status: WorkItemStatus, enabled: boolean) {
  return {
    status,
    read: useInfiniteQuery({ ...itemListQuery(workspace, oneStatus(query, status)), enabled }),
  };
}

/** The part of a query's state that makes lines. */
interface Read {
  data: Parameters<typeof itemsOf>[0];
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage(): unknown;
}

function linesOf(part: string, read: Read): Line[] {
  const lines = itemsOf(read.data).map((item): Line => ({ kind: "item", id: item.key, item }));
  if (!read.hasNextPage) return lines;
  const load = () => {
    if (!read.isFetchingNextPage) void read.fetchNextPage();
  };
  return [...lines, { kind: "more", id: `more ${part}`, busy: read.isFetchingNextPage, load }];
}
