import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import {
  type ItemQuery,
  type WorkItem,
  type WorkItemPage,
  WorkItemStatus,
} from "@windshift/contract/api/work-item.ts";
import { itemListQuery, oneStatus } from "./item-queries.ts";
import { itemsOf } from "./item-shown.ts";

/** The item of a card that stands on a board. */
export function findBoardItem(
  client: QueryClient,
  workspace: string,
  query: ItemQuery,
  key: string,
): WorkItem | undefined {
  return WorkItemStatus.options
    .flatMap((status) =>
      itemsOf(
        client.getQueryData<InfiniteData<WorkItemPage>>(
          itemListQuery(workspace, oneStatus(query, status)).queryKey,
        ),
      ),
    )
    .find((item) => item.key === key);
}
