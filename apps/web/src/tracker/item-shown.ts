import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { ItemQuery, WorkItem, WorkItemPage } from "@windshift/contract/api/work-item.ts";
import { itemQuery } from "./item-queries.ts";

/** What a page shows at once, before the server has answered. */
export type Shown = Partial<Pick<WorkItem, "status" | "priority" | "labels" | "assignee" | "parent">>;

type ItemPages = InfiniteData<WorkItemPage, string | undefined>;

/** Raised by each change that is shown or taken back. */
let turn = 0;

/**
 * Shows a change of an item on its page and in all lists.
 * @returns takes it back: everything where nothing was changed since, and else what is still shown of this change alone
 */
export function showChange(client: QueryClient, key: string, shown: Shown): () => void {
  const before = snapshot(client, key);
  const was = find(client, key);
  show(client, key, shown);
  const own = ++turn;
  return () => {
    if (turn === own) for (const [queryKey, data] of before) client.setQueryData(queryKey, data);
    else if (was !== undefined) show(client, key, unchangedSince(client, key, shown, was));
    turn++;
  };
}

/** What was there before, of the fields that still show what the change made of them. */
function unchangedSince(client: QueryClient, key: string, shown: Shown, was: Shown): Shown {
  const now = find(client, key);
  const names = Object.keys(shown) as (keyof Shown)[];
  const still = names.filter((name) => JSON.stringify(now?.[name]) === JSON.stringify(shown[name]));
  return Object.fromEntries(still.map((name) => [name, was[name]]));
}

function snapshot(client: QueryClient, key: string) {
  return [
    ...client.getQueriesData({ queryKey: ["items"] }),
    ...client.getQueriesData({ queryKey: itemQuery(key).queryKey }),
  ];
}

function find(client: QueryClient, key: string): Shown | undefined {
  return client.getQueryData(itemQuery(key).queryKey) ?? findInLists(client, key);
}

function findInLists(client: QueryClient, key: string): WorkItem | undefined {
  const lists = client.getQueriesData<ItemPages>({ queryKey: ["items"] });
  return lists.flatMap(([, data]) => itemsOf(data)).find((one) => one.key === key);
}

function show(client: QueryClient, key: string, shown: Shown): void {
  client.setQueryData(itemQuery(key).queryKey, (detail) => detail && { ...detail, ...shown });
  const item = findInLists(client, key);
  if (item === undefined) return;
  const changed = { ...item, ...shown };
  for (const [queryKey, data] of client.getQueriesData<ItemPages>({ queryKey: ["items"] }))
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

/** All items of the steps that were read so far, in their order. */
export function itemsOf(data: InfiniteData<WorkItemPage, unknown> | undefined): WorkItem[] {
  return data?.pages.flatMap(({ items }) => items) ?? [];
}
