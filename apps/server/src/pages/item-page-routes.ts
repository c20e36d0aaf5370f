import { Page, PageDetail } from "@windshift/contract/api/page.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { asRead } from "../http/agent-reading.ts";
import { callerOf, itemGrantOf, personOf } from "../http/api-env.ts";
import { jsonReply } from "../http/json.ts";
import { parseRowId } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workItemScope } from "../work-items/work-item-store.ts";
import { isLinked, linkPage, unlinkPage } from "./item-page.ts";
import { getPage, listPagesOfItem } from "./page-store.ts";

const ItemParams = z.object({ item: z.string() });
const LinkParams = z.object({ item: z.string(), page: z.string() });
const LinkedPages = z.object({ pages: z.array(Page) });

/** Pages that are linked to a work item: what its runs may read as well. */
export function addItemPageRoutes(table: RouteTable, { database }: { database: Database }): void {
  const db = database.kysely;
  table.add(
    {
      method: "get",
      path: "/api/v1/items/{item}/pages",
      access: { role: "viewer", in: workItemScope, run: "own_item" },
      summary: "Pages that are linked to a work item",
      request: { params: ItemParams },
      responses: { 200: jsonReply(LinkedPages, "By title") },
    },
    async (c) => {
      const pages = await listPagesOfItem(db, itemGrantOf(c).workItemId);
      return c.json(asRead({ pages }, callerOf(c)), 200);
    },
  );
  table.add(
    {
      method: "get",
      path: "/api/v1/items/{item}/pages/{page}",
      access: { role: "viewer", in: workItemScope, run: "own_item" },
      summary: "A page that is linked to a work item; a run does not see which other items it is linked to",
      request: { params: LinkParams },
      responses: { 200: jsonReply(PageDetail, "The page") },
    },
    async (c) => {
      const id = requireId(c.req.valid("param").page);
      if (!(await isLinked(db, itemGrantOf(c).workItemId, id))) throw new AppError("not_found", "not found");
      const page = await getPage(db, id);
      const caller = callerOf(c);
      return c.json(asRead(caller.kind === "run" ? { ...page, backlinks: [] } : page, caller), 200);
    },
  );
  for (const [method, act, summary] of [
    ["put", linkPage, "Link a page to a work item"],
    ["delete", unlinkPage, "Take a page's link off a work item"],
  ] as const) {
    table.add(
      {
        method,
        path: "/api/v1/items/{item}/pages/{page}",
        access: { role: "member", in: workItemScope },
        summary,
        request: { params: LinkParams },
        responses: { 200: jsonReply(LinkedPages, "The linked pages now") },
      },
      async (c) => {
        const { workspaceId, workItemId } = itemGrantOf(c);
        const pageId = requireId(c.req.valid("param").page);
        await act(database, { workspaceId, workItemId, pageId, by: personOf(c).userId });
        return c.json({ pages: await listPagesOfItem(db, workItemId) }, 200);
      },
    );
  }
}

/** @throws AppError `not_found` for what cannot be a page's id */
function requireId(text: string): number {
  const id = parseRowId(text);
  if (id === undefined) throw new AppError("not_found", "not found");
  return id;
}
