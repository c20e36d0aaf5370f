import { z } from "zod";
import { NAME_CHARS_MAX } from "../limits.ts";
import { lineOfText } from "../text.ts";
import { UserRef } from "./user.ts";
import { ItemQuery } from "./work-item.ts";

export const ViewLayout = z.enum(["list", "board"]);
export type ViewLayout = z.infer<typeof ViewLayout>;

/** A list or board of a workspace that somebody gave a name. `me` in its query is whoever looks. */
export const SavedView = z.object({
  id: z.int(),
  name: z.string(),
  layout: ViewLayout,
  query: ItemQuery,
  /** Everybody in the workspace sees it; its owner and admins change it. */
  shared: z.boolean(),
  owner: UserRef,
  updated_at: z.iso.datetime(),
});
export type SavedView = z.infer<typeof SavedView>;

/** The caller's own and those that are shared, by name. */
export const ViewList = z.object({ views: z.array(SavedView) });
export type ViewList = z.infer<typeof ViewList>;

export const NewView = z.strictObject({
  name: lineOfText(NAME_CHARS_MAX),
  layout: ViewLayout.default("list"),
  query: ItemQuery,
  shared: z.boolean().default(false),
});
export type NewView = z.infer<typeof NewView>;

export const ViewPatch = z.strictObject({
  name: lineOfText(NAME_CHARS_MAX).optional(),
  layout: ViewLayout.optional(),
  query: ItemQuery.optional(),
  shared: z.boolean().optional(),
});
export type ViewPatch = z.infer<typeof ViewPatch>;
