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
  created_at: z.iso.datetime(),
});
export type Comment = z.infer<typeof Comment>;

export const NewComment = z.strictObject({
  body: longText(COMMENT_BYTES_MAX).refine((body) => body.trim() !== "", "a comment needs some text"),
});
export type NewComment = z.infer<typeof NewComment>;

/** Oldest first. `next_after` is the `after` of the next page, null at the end. */
export const CommentPage = z.object({ comments: z.array(Comment), next_after: z.int().nullable() });
export type CommentPage = z.infer<typeof CommentPage>;
