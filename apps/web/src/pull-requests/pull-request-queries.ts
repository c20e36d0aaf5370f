import { queryOptions } from "@tanstack/react-query";
import { Commit, Diff, PullRequestDetail } from "@windshift/contract/api/pull-request.ts";
import { z } from "zod";
import { getApi } from "../api/api.ts";

/** How often an open one is asked whether it can still be merged, ms. */
const OPEN_MS = 15_000;

/** Where the API has a pull request; its diff and commits are below that address. */
export function pullRequestPath(id: number): string {
  return `/api/v1/pull-requests/${id}`;
}

/** A pull request as it is now. An open one is read again every OPEN_MS: its target moves without anybody telling. */
export function pullRequestQuery(id: number) {
  return queryOptions({
    queryKey: ["pull-request", id] as const,
    queryFn: ({ signal }) => getApi(pullRequestPath(id), PullRequestDetail, signal),
    refetchInterval: ({ state }) => (state.data?.state === "open" ? OPEN_MS : false),
  });
}

/** A pull request does not change its commits: a later run has a branch of its own. */
export function commitsQuery(id: number) {
  return queryOptions({
    queryKey: ["pull-request", id, "commits"] as const,
    queryFn: ({ signal }) =>
      getApi(`${pullRequestPath(id)}/commits`, z.object({ commits: z.array(Commit) }), signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** What a pull request changes, file by file; read once, and again when something says that it is old. */
export function diffQuery(id: number) {
  return queryOptions({
    queryKey: ["pull-request", id, "diff"] as const,
    queryFn: ({ signal }) => getApi(`${pullRequestPath(id)}/diff`, Diff, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}
