import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import type { Label } from "@windshift/contract/api/label.ts";
import {
  type Priority,
  type WorkItem,
  WorkItemDetail,
  type WorkItemPatch,
  type WorkItemStatus,
} from "@windshift/contract/api/work-item.ts";
import { useId } from "react";
import { callApi } from "../api/api.ts";
import { sayFailed } from "../shell/notices.tsx";
import { itemQuery } from "./item-queries.ts";
import { type Shown, showChange } from "./item-shown.ts";

/** A change of an item: what is sent, and what it looks like meanwhile. */
export interface ItemChange {
  item: Pick<WorkItem, "key" | "workspace">;
  patch: WorkItemPatch;
  shown?: Shown;
}

/** Workspaces of the items that were changed since all that shows items was asked for anew, by key. */
const touched = new Map<string, string>();

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
      return { takeBack: shown && showChange(client, item.key, shown) };
    },
    onError: (error, _change, context) => {
      context?.takeBack?.();
      sayFailed(error);
    },
    onSuccess: (detail) => {
      if (changing(client, detail.key) <= 1) client.setQueryData(itemQuery(detail.key).queryKey, detail);
    },
    onSettled: async (_data, _error, { item }) => {
      touched.set(item.key, item.workspace);
      if (changing(client) > 1) return;
      const items = [...touched].map(([key, workspace]) => ({ key, workspace }));
      touched.clear();
      await refreshItems(client, items);
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
  return refreshItems(client, [{ key, workspace }]);
}

function refreshItems(client: QueryClient, items: readonly ItemChange["item"][]): Promise<unknown> {
  const workspaces = new Set(items.map(({ workspace }) => workspace));
  const queryKeys = [
    ["items"],
    ...[...workspaces].flatMap((workspace) => [
      ["item-counts", workspace],
      ["activity", workspace],
    ]),
    ...items.flatMap(({ key }) => [
      ["item", key],
      ["activity", key],
    ]),
  ];
  return Promise.all(queryKeys.map((queryKey) => client.invalidateQueries({ queryKey })));
}

/** Another status for an item, shown before the server has agreed. */
export function statusChange(item: ItemChange["item"], status: WorkItemStatus): ItemChange {
  return { item, patch: { status }, shown: { status } };
}

/** Another priority for an item, shown before the server has agreed. */
export function priorityChange(item: ItemChange["item"], priority: Priority): ItemChange {
  return { item, patch: { priority }, shown: { priority } };
}

/** These labels and no others for an item: the server gets ids, the page names and colors. */
export function labelsChange(item: ItemChange["item"], labels: readonly Label[]): ItemChange {
  return { item, patch: { label_ids: labels.map(({ id }) => id) }, shown: { labels: [...labels] } };
}
