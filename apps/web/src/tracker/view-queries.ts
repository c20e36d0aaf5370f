import { queryOptions } from "@tanstack/react-query";
import { ViewList } from "@windshift/contract/api/view.ts";
import { getApi } from "../api/api.ts";

/** The caller's saved views of a workspace, and those that are shared. */
export function viewsQuery(workspace: string) {
  return queryOptions({
    queryKey: ["views", workspace] as const,
    queryFn: ({ signal }) => getApi(`/api/v1/workspaces/${workspace}/views`, ViewList, signal),
  });
}
