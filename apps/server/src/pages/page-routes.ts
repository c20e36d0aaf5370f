import {
  NewPage,
  PageDetail,
  PageList,
  PagePatch,
  PageVersion,
  PageVersions,
} from "@windshift/contract/api/page.ts";
import { AppError, assert } from "@windshift/contract/app-error.ts";
import { SEARCH_CHARS_MAX } from "@windshift/contract/limits.ts";
import type { Context } from "hono";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { searchWords } from "../db/text-search.ts";
import { type ApiEnv, grantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { CursorParam, LimitParam, parseRowId } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import { changePage, createPage, deletePage } from "./page.ts";
import { getPage, getVersion, listPages, listVersions, pageScope } from "./page-store.ts";

const KeyParams = z.object({ key: z.string() });
const PageParams = z.object({ page: z.string() });
const VersionParams = z.object({ page: z.string(), version: z.string() });
const ListQuery = z.strictObject({
  q: z.string().max(SEARCH_CHARS_MAX).default(""),
  before: CursorParam,
  limit: LimitParam,
});
const viewer = { role: "viewer", in: pageScope } as const;
const member = { role: "member", in: pageScope } as const;

/** Documents of a workspace. */
export function addPageRoutes(table: RouteTable, { database }: { database: Database }): void {
  const db = database.kysely;
  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/pages",
      access: { role: "viewer", in: workspaceScope },
      summary: "Pages of a workspace, newest first; `q` looks in titles and texts",
      request: { params: KeyParams, query: ListQuery },
      responses: { 200: jsonReply(PageList, "A page of them") },
    },
    async (c) => {
      const { q, before, limit } = c.req.valid("query");
      const filter = { words: searchWords(q), before, limit };
      return c.json(await listPages(database, grantOf(c).workspaceId, filter), 200);
    },
  );
  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/pages",
      access: { role: "member", in: workspaceScope },
      summary: "Write a page",
      request: { params: KeyParams, body: jsonBody(NewPage) },
      responses: { 201: jsonReply(PageDetail, "The page") },
    },
    async (c) => {
      const place = { workspaceId: grantOf(c).workspaceId, creatorId: personOf(c).userId };
      return c.json(await getPage(db, await createPage(database, place, c.req.valid("json"))), 201);
    },
  );
  table.add(
    {
      method: "get",
      path: "/api/v1/pages/{page}",
      access: viewer,
      summary: "One page",
      request: { params: PageParams },
      responses: { 200: jsonReply(PageDetail, "The page") },
    },
    async (c) => c.json(await getPage(db, pageIdOf(c)), 200),
  );
  table.add(
    {
      method: "patch",
      path: "/api/v1/pages/{page}",
      access: member,
      summary: "Change a page",
      request: { params: PageParams, body: jsonBody(PagePatch) },
      responses: { 200: jsonReply(PageDetail, "The page now") },
    },
    async (c) => {
      const place = { workspaceId: grantOf(c).workspaceId, pageId: pageIdOf(c) };
      await changePage(database, place, c.req.valid("json"), personOf(c).userId);
      return c.json(await getPage(db, place.pageId), 200);
    },
  );
  table.add(
    {
      method: "delete",
      path: "/api/v1/pages/{page}",
      access: member,
      summary: "Delete a page; for who made it and for admins",
      request: { params: PageParams },
      responses: { 204: { description: "It is gone" } },
    },
    async (c) => {
      await deletePage(database, { ...grantOf(c), pageId: pageIdOf(c) }, personOf(c).userId);
      return c.body(null, 204);
    },
  );
  table.add(
    {
      method: "get",
      path: "/api/v1/pages/{page}/versions",
      access: viewer,
      summary: "Versions of a page, newest first",
      request: { params: PageParams },
      responses: { 200: jsonReply(PageVersions, "Those that are kept") },
    },
    async (c) => c.json({ versions: await listVersions(db, pageIdOf(c)) }, 200),
  );
  table.add(
    {
      method: "get",
      path: "/api/v1/pages/{page}/versions/{version}",
      access: viewer,
      summary: "One version of a page",
      request: { params: VersionParams },
      responses: { 200: jsonReply(PageVersion, "The version with its text") },
    },
    async (c) => {
      const version = parseRowId(c.req.valid("param").version);
      if (version === undefined) throw new AppError("not_found", "not found");
      return c.json(await getVersion(db, pageIdOf(c), version), 200);
    },
  );
}

function pageIdOf(c: Context<ApiEnv>): number {
  const id = parseRowId(c.req.param("page"));
  assert(id !== undefined, "the route's scope found the page");
  return id;
}
