import { type InfiniteData, type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import type { Label } from "@windshift/contract/api/label.ts";
import {
  type ItemQuery,
  type Priority,
  type WorkItem,
  WorkItemDetail,
  type WorkItemPage,
  type WorkItemPatch,
  type WorkItemStatus,
} from "@windshift/contract/api/work-item.ts";
import { useId } from "react";
import { callApi } from "../api/api.ts";
import { sayFailed } from "../shell/notices.tsx";
import { itemQuery } from "./item-queries.ts";

/** What a page shows at once, before the server has answered. */
type Shown = Partial<Pick<WorkItem, "status" | "priority" | "labels" | "assignee" | "parent">>;

/** A change of an item: what is sent, and what it looks like meanwhile. */
export interface ItemChange {
  item: Pick<WorkItem, "key" | "workspace">;
  patch: WorkItemPatch;
  shown?: Shown;
}

type ItemPages = InfiniteData<WorkItemPage, string | undefined>;

/**
 * Changes items; lists, boards and pages show it at once and go back when the server refuses. Changes of one place leave in the
 * order they were made, and what the server says of one does not take back what was changed since.
 */
export function useItemChange() {
  const client = useQueryClient();
  const scope = useId();
  return useMutation({
    mutationKey: CHANGES,
    scope: { id: scope },
    mutationFn: ({ item, patch }: ItemChange) =>
      callApi("PATCH", `/api/v1/items/${item.key}`, WorkItemDetail, patch),
    onMutate: async ({ item, shown }) => {
      await client.cancelQueries({ queryKey: ["items"] });
      await client.cancelQueries({ queryKey: itemQuery(item.key).queryKey });
      const before = snapshot(client, item.key);
      if (shown !== undefined) show(client, item.key, shown);
      return { before };
    },
    onError: (error, _change, context) => {
      for (const [key, data] of context?.before ?? []) client.setQueryData(key, data);
      sayFailed(error);
    },
    onSuccess: (detail) => {
      if (changing(client, detail.key) <= 1) client.setQueryData(itemQuery(detail.key).queryKey, detail);
    },
    onSettled: async (_data, _error, { item }) => {
      if (changing(client) <= 1) await refreshItem(client, item.workspace, item.key);
    },
  });
}

const CHANGES = ["item-change"];

/** How many changes are on their way, that which has just been answered among them. */
function changing(client: QueryClient, key?: string): number {
  const ofItem = (change: ItemChange | undefined) => key === undefined || change?.item.key === key;
  return client.isMutating({
    mutationKey: CHANGES,
    predicate: ({ state }) => ofItem(state.variables as ItemChange | undefined),
  });
}

/** Asks anew for all that shows an item. */
export function refreshItem(client: QueryClient, workspace: string, key: string): Promise<unknown> {
  return Promise.all([
    client.invalidateQueries({ queryKey: ["items"] }),
    client.invalidateQueries({ queryKey: ["item-counts", workspace] }),
    client.invalidateQueries({ queryKey: ["item", key] }),
    client.invalidateQueries({ queryKey: ["activity", key] }),
    client.invalidateQueries({ queryKey: ["activity", workspace] }),
  ]);
}

export function statusChange(item: ItemChange["item"], status: WorkItemStatus): ItemChange {
  return { item, patch: { status }, shown: { status } };
}

export function priorityChange(item: ItemChange["item"], priority: Priority): ItemChange {
  return { item, patch: { priority }, shown: { priority } };
}

export function labelsChange(item: ItemChange["item"], labels: readonly Label[]): ItemChange {
  return { item, patch: { label_ids: labels.map(({ id }) => id) }, shown: { labels: [...labels] } };
}

function snapshot(client: QueryClient, key: string) {
  return [
    ...client.getQueriesData({ queryKey: ["items"] }),
    ...client.getQueriesData({ queryKey: itemQuery(key).queryKey }),
  ];
}

function show(client: QueryClient, key: string, shown: Shown): void {
  client.setQueryData(itemQuery(key).queryKey, (detail) => detail && { ...detail, ...shown });
  const lists = client.getQueriesData<ItemPages>({ queryKey: ["items"] });
  const item = lists.flatMap(([, data]) => itemsOf(data)).find((one) => one.key === key);
  if (item === undefined) return;
  const changed = { ...item, ...shown };
  for (const [queryKey, data] of lists)
    if (data !== undefined) client.setQueryData(queryKey, placed(data, queryKey, changed));
}

/** A list with a changed item in it: where it was, at the top where it is new, or nowhere when its status is another one. */
function placed(data: ItemPages, queryKey: readonly unknown[], item: WorkItem): ItemPages {
  const [, scope, query] = queryKey as ["items", string, ItemQuery];
  const fits = query.status === undefined || query.status.includes(item.status);
  const there = itemsOf(data).some(({ key }) => key === item.key);
  // Whether an item that was elsewhere fits the other filters too, only the server knows; a column of the same board it does.
  const comes = fits && !there && scope === item.workspace && query.status?.length === 1;
  return {
    ...data,
    pages: data.pages.map((page, index) => ({
      ...page,
      items: [
        ...(comes && index === 0 ? [item] : []),
        ...page.items.flatMap((one) => (one.key !== item.key ? [one] : fits ? [item] : [])),
      ],
    })),
  };
}

export function itemsOf(data: InfiniteData<WorkItemPage, unknown> | undefined): WorkItem[] {
  return data?.pages.flatMap(({ items }) => items) ?? [];
}
