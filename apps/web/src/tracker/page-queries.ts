import { queryOptions } from "@tanstack/react-query";
import { type Page, PageDetail, PageList, PageVersion, PageVersions } from "@windshift/contract/api/page.ts";
import { getApi, queryString } from "../api/api.ts";

/** Pages that one call brings; the tree is read in as many as it takes. */
const PAGES_STEP = 100;

/** All pages of a workspace, without their texts: the tree is made of them. */
export function pageTreeQuery(workspace: string) {
  return queryOptions({
    queryKey: ["pages", workspace] as const,
    queryFn: async ({ signal }) => {
      const pages: Page[] = [];
      let before: number | undefined;
      do {
        const path = `/api/v1/workspaces/${workspace}/pages${queryString({ limit: PAGES_STEP, before })}`;
        const step = await getApi(path, PageList, signal);
        pages.push(...step.pages);
        before = step.next_before ?? undefined;
      } while (before !== undefined);
      return pages;
    },
  });
}

/** A few pages that a search finds. */
export function pageSearchQuery(workspace: string, text: string) {
  return queryOptions({
    queryKey: ["page-search", workspace, text] as const,
    queryFn: ({ signal }) =>
      getApi(`/api/v1/workspaces/${workspace}/pages${queryString({ q: text, limit: 8 })}`, PageList, signal),
    placeholderData: (before) => before,
  });
}

/** A page of a workspace with its text. */
export function pageQuery(id: number) {
  return queryOptions({
    queryKey: ["page", id] as const,
    queryFn: ({ signal }) => getApi(`/api/v1/pages/${id}`, PageDetail, signal),
  });
}

/** Who changed a page and when, newest first, without the texts. */
export function pageVersionsQuery(id: number) {
  return queryOptions({
    queryKey: ["page-versions", id] as const,
    queryFn: ({ signal }) => getApi(`/api/v1/pages/${id}/versions`, PageVersions, signal),
  });
}

/** The text of a page as it was in one version; read once. */
export function pageVersionQuery(id: number, version: number) {
  return queryOptions({
    queryKey: ["page-version", id, version] as const,
    queryFn: ({ signal }) => getApi(`/api/v1/pages/${id}/versions/${version}`, PageVersion, signal),
    // A version never changes.
    staleTime: Number.POSITIVE_INFINITY,
  });
}
