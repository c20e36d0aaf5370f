import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { ActivityPage } from "@windshift/contract/api/activity.ts";
import { CommentPage } from "@windshift/contract/api/comment.ts";
import {
  ItemCounts,
  type ItemQuery,
  WorkItemDetail,
  WorkItemPage,
  type WorkItemStatus,
} from "@windshift/contract/api/work-item.ts";
import { getApi, queryString } from "../api/api.ts";
import { readPaths } from "../api/read-paths.ts";

/** Items that one step of a list takes from the server. */
const ITEMS_STEP = 50;

/** Where a list looks: one workspace, or all that the caller is in. */
export type Scope = string | "all";

function itemsPath(scope: Scope): string {
  return scope === "all" ? "/api/v1/items" : `/api/v1/workspaces/${scope}/items`;
}

/** Items of a workspace, step by step. Keys begin with `items`, then the scope, then the query. */
export function itemListQuery(scope: Scope, query: ItemQuery) {
  return infiniteQueryOptions({
    queryKey: ["items", scope, query] as const,
    queryFn: ({ pageParam, signal }) =>
      getApi(
        itemsPath(scope) + queryString({ ...query, limit: ITEMS_STEP, before: pageParam }),
        WorkItemPage,
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_before ?? undefined,
  });
}

/** The query of one column or group: the others stay in force, and what it said of statuses does not. */
export function oneStatus(query: ItemQuery, status: WorkItemStatus): ItemQuery {
  return { ...query, status: [status] };
}

/** How many items of each status the filters find. Status and order are left out of the key, so all columns share one answer. */
export function itemCountsQuery(workspace: string, query: ItemQuery) {
  const { status: _status, sort: _sort, order: _order, ...filters } = query;
  return queryOptions({
    queryKey: ["item-counts", workspace, filters] as const,
    queryFn: ({ signal }) =>
      getApi(`/api/v1/workspaces/${workspace}/item-counts${queryString(filters)}`, ItemCounts, signal),
  });
}

/** A few items that a search finds, for pickers and the command palette. */
export function itemSearchQuery(scope: Scope, text: string) {
  return queryOptions({
    queryKey: ["item-search", scope, text] as const,
    queryFn: ({ signal }) =>
      getApi(
        `${itemsPath(scope)}${queryString({ q: text, sort: "updated", limit: 10 })}`,
        WorkItemPage,
        signal,
      ),
    placeholderData: (before) => before,
  });
}

/**
 * An item as its page shows it.
 * @param key such as `SHOP-12`
 */
export function itemQuery(key: string) {
  return queryOptions({
    queryKey: ["item", key] as const,
    queryFn: ({ signal }) => getApi(readPaths.item(key), WorkItemDetail, signal),
  });
}

/** Oldest first. */
export function commentsQuery(key: string) {
  return infiniteQueryOptions({
    queryKey: ["comments", key] as const,
    queryFn: ({ pageParam, signal }) => getApi(readPaths.comments(key, pageParam), CommentPage, signal),
    initialPageParam: 0,
    getNextPageParam: (last) => last.next_after ?? undefined,
  });
}

/** Newest first; of an item or of a workspace. */
export function activityQuery(of: { item: string } | { workspace: string }) {
  return infiniteQueryOptions({
    queryKey: ["activity", "item" in of ? of.item : of.workspace] as const,
    queryFn: ({ pageParam, signal }) => getApi(readPaths.activity(of, pageParam), ActivityPage, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.next_before ?? undefined,
  });
}
