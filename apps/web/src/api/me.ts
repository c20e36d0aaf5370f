import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { Me } from "@windshift/contract/api/user.ts";
import { getApi } from "./api.ts";
import { readPaths } from "./read-paths.ts";

/** The person at the page, with the workspaces they are in. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => getApi(readPaths.me, Me, signal),
});

/** The person at the page, always there: suspends until the server has said who it is. */
export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

/** What the person may do in a workspace; undefined when they are not in it. */
export function useRole(workspace: string): Me["workspaces"][number]["role"] | undefined {
  return useMe().workspaces.find(({ key }) => key === workspace)?.role;
}
