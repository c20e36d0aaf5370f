import {
  Branches,
  Commits,
  MergeRequestNotes,
  MergeRequests,
  PersonalAccessTokens,
  ProjectMembers,
  Projects,
  Repositories,
  Users,
} from "@gitbeaker/core";
import { createRequesterFn, type RequestHandlerFn, type RequestOptions } from "@gitbeaker/requester-utils";
import type { ForgeFetch } from "./create-forge-client.ts";

/**
 * Gitbeaker's resources over our own fetch. Its ready-made half (`@gitbeaker/rest`) calls the global fetch, follows
 * redirects and repeats writes after a 502, so that half is not used.
 */
export function createGitlabApi(webUrl: string, token: string, fetch: ForgeFetch) {
  const requesterFn = createRequesterFn((_, request) => Promise.resolve(request), handler(fetch));
  const options = { host: webUrl, token, requesterFn, rateLimits: {} };
  return {
    branches: new Branches(options),
    commits: new Commits(options),
    notes: new MergeRequestNotes(options),
    mergeRequests: new MergeRequests(options),
    tokens: new PersonalAccessTokens(options),
    members: new ProjectMembers(options),
    projects: new Projects(options),
    repositories: new Repositories(options),
    users: new Users(options),
  };
}
export type GitlabApi = ReturnType<typeof createGitlabApi>;

function handler(fetch: ForgeFetch): RequestHandlerFn {
  return async (endpoint, options = {}) => {
    const {
      prefixUrl = "",
      searchParams = "",
      method = "GET",
      headers,
      body,
      signal,
    } = options as RequestOptions;
    const url = new URL(endpoint, prefixUrl.endsWith("/") ? prefixUrl : `${prefixUrl}/`);
    url.search = searchParams;
    const response = await fetch(url, {
      method,
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers.entries()),
      body: text === "" ? null : JSON.parse(text),
    };
  };
}
