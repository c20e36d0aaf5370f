import {
  Commit,
  Diff,
  PullRequest,
  PullRequestDetail,
  PullRequestState,
} from "@windshift/contract/api/pull-request.ts";
import { z } from "zod";
import { grantOf, personOf } from "../http/api-env.ts";
import { jsonReply } from "../http/json.ts";
import { CursorParam, LimitParam, RowIdParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import {
  closePullRequest,
  markReady,
  mergePullRequest,
  type PullRequestPorts,
  reopenPullRequest,
} from "./pull-request.ts";
import { commitsOf, diffOf, mergeabilityOf } from "./pull-request-review.ts";
import { getPullRequest, listPullRequests, pullRequestScope } from "./pull-request-store.ts";

const KeyParams = z.object({ key: z.string() });
const PullRequestParams = z.object({ pull_request: RowIdParam });
const ListQuery = z.object({ state: PullRequestState.optional(), before: CursorParam, limit: LimitParam });
const PullRequestPage = z.object({ pull_requests: z.array(PullRequest), next_before: z.int().nullable() });
const PATH = "/api/v1/pull-requests/{pull_request}";

/** What a person can do to a pull request, and what does it. */
const ACTIONS = {
  ready: { summary: "Mark a draft as ready to be merged", act: markReady },
  merge: { summary: "Merge into the target branch", act: mergePullRequest },
  close: { summary: "Close without merging", act: closePullRequest },
  reopen: { summary: "Open a closed one again", act: reopenPullRequest },
} as const;

/** Pull requests of the server's own repositories: reading, and what people do with them. */
export function addPullRequestRoutes(table: RouteTable, ports: PullRequestPorts): void {
  const db = ports.database.kysely;
  const read = async (id: number): Promise<PullRequestDetail> => {
    const request = await getPullRequest(db, id);
    return { ...request, mergeability: await mergeabilityOf(ports, request) };
  };

  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/pull-requests",
      access: { role: "viewer", in: workspaceScope },
      summary: "Pull requests of the workspace, newest first",
      request: { params: KeyParams, query: ListQuery },
      responses: { 200: jsonReply(PullRequestPage, "A page of them") },
    },
    async (c) => {
      const query = c.req.valid("query");
      const found = await listPullRequests(db, grantOf(c).workspaceId, query);
      const last = found.length === query.limit ? found.at(-1) : undefined;
      return c.json({ pull_requests: found, next_before: last?.id ?? null }, 200);
    },
  );

  table.add(
    {
      method: "get",
      path: PATH,
      access: { role: "viewer", in: pullRequestScope },
      summary: "One pull request, and whether it can be merged now",
      request: { params: PullRequestParams },
      responses: { 200: jsonReply(PullRequestDetail, "The pull request") },
    },
    async (c) => c.json(await read(c.req.valid("param").pull_request), 200),
  );

  table.add(
    {
      method: "get",
      path: `${PATH}/commits`,
      access: { role: "viewer", in: pullRequestScope },
      summary: "Its commits, oldest first",
      request: { params: PullRequestParams },
      responses: { 200: jsonReply(z.object({ commits: z.array(Commit) }), "The commits") },
    },
    async (c) => {
      const request = await getPullRequest(db, c.req.valid("param").pull_request);
      return c.json({ commits: await commitsOf(ports, request) }, 200);
    },
  );

  table.add(
    {
      method: "get",
      path: `${PATH}/diff`,
      access: { role: "viewer", in: pullRequestScope },
      summary: "What it changes",
      request: { params: PullRequestParams },
      responses: { 200: jsonReply(Diff, "The diff") },
    },
    async (c) =>
      c.json(await diffOf(ports, await getPullRequest(db, c.req.valid("param").pull_request)), 200),
  );

  for (const [name, { summary, act }] of Object.entries(ACTIONS)) {
    table.add(
      {
        method: "post",
        path: `${PATH}/${name}`,
        access: { role: "member", in: pullRequestScope },
        summary,
        request: { params: PullRequestParams },
        responses: { 200: jsonReply(PullRequestDetail, "The pull request now") },
      },
      async (c) => {
        const { pull_request: id } = c.req.valid("param");
        await act(ports, id, personOf(c).userId);
        return c.json(await read(id), 200);
      },
    );
  }
}
