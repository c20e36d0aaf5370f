import { z } from "zod";
import { COMMENT_BYTES_MAX } from "../limits.ts";
import { longText } from "../text.ts";
import { UserRef } from "./user.ts";

/** Markdown. `run_id` is set when an agent wrote it during a run. */
export const Comment = z.object({
  id: z.int(),
  author: UserRef,
  run_id: z.int().nullable(),
  body: z.string(),
  /** Members it calls by their handle (`@ada-lovelace`), found when it was written. */
  mentions: z.array(UserRef),
  created_at: z.iso.datetime(),
  edited_at: z.iso.datetime().nullable(),
});
export type Comment = z.infer<typeof Comment>;

const Body = longText(COMMENT_BYTES_MAX).refine((body) => body.trim() !== "", "a comment needs some text");

export const NewComment = z.strictObject({ body: Body });
export type NewComment = z.infer<typeof NewComment>;

export const CommentPatch = z.strictObject({ body: Body });
export type CommentPatch = z.infer<typeof CommentPatch>;

/** Oldest first. `next_after` is the `after` of the next page, null at the end. */
export const CommentPage = z.object({ comments: z.array(Comment), next_after: z.int().nullable() });
export type CommentPage = z.infer<typeof CommentPage>;
