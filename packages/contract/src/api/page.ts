import { z } from "zod";
import { RowId, WorkspaceKey } from "../ids.ts";
import { PAGE_BYTES_MAX, TITLE_CHARS_MAX } from "../limits.ts";
import { lineOfText, longText } from "../text.ts";
import { UserRef } from "./user.ts";
import { ItemRef } from "./work-item.ts";

/** A document of a workspace, without its text. */
export const Page = z.object({
  id: z.int(),
  workspace: WorkspaceKey,
  title: z.string(),
  /** The page it lies under. */
  parent_id: z.int().nullable(),
  /** Counts from 1; raised by each change of title or text. */
  version: z.int(),
  creator: UserRef,
  /** Who made the last version. */
  editor: UserRef,
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
export type Page = z.infer<typeof Page>;

/** `body` is Markdown; `backlinks` are the items it is linked to, newest first, at most 200. */
export const PageDetail = Page.extend({ body: z.string(), backlinks: z.array(ItemRef) });
export type PageDetail = z.infer<typeof PageDetail>;

/** Newest first; the reader makes the tree. `next_before` is the `before` of the next page, null at the end. */
export const PageList = z.object({ pages: z.array(Page), next_before: z.int().nullable() });
export type PageList = z.infer<typeof PageList>;

export const NewPage = z.strictObject({
  title: lineOfText(TITLE_CHARS_MAX),
  body: longText(PAGE_BYTES_MAX).default(""),
  parent_id: RowId.nullable().default(null),
});
export type NewPage = z.infer<typeof NewPage>;

/**
 * Changes what it names. `version` is the one the writer had before them, needed for title and text: 409 `conflict` when
 * there is a newer one.
 */
export const PagePatch = z.strictObject({
  title: lineOfText(TITLE_CHARS_MAX).optional(),
  body: longText(PAGE_BYTES_MAX).optional(),
  parent_id: RowId.nullable().optional(),
  version: RowId.optional(),
});
export type PagePatch = z.infer<typeof PagePatch>;

/** Newest first; the last PAGE_VERSIONS_MAX are kept. */
export const PageVersions = z.object({
  versions: z.array(
    z.object({ version: z.int(), title: z.string(), editor: UserRef, created_at: z.iso.datetime() }),
  ),
});
export type PageVersions = z.infer<typeof PageVersions>;

export const PageVersion = z.object({
  version: z.int(),
  title: z.string(),
  body: z.string(),
  editor: UserRef,
  created_at: z.iso.datetime(),
});
export type PageVersion = z.infer<typeof PageVersion>;
