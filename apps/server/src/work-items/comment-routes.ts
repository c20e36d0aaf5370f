import { Comment, CommentPage, CommentPatch, NewComment } from "@windshift/contract/api/comment.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import { asRead } from "../http/agent-reading.ts";
import { callerOf, itemGrantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { CursorParam, LimitParam, parseRowId } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { type CommentPorts, commentAsPerson, commentAsRun, deleteComment, editComment } from "./comment.ts";
import { commentScope, getComment, listComments } from "./comment-store.ts";
import { workItemScope } from "./work-item-store.ts";

const ItemParams = z.object({ item: z.string() });
const CommentParams = z.object({ comment: z.string() });
const ListQuery = z.object({ after: CursorParam, limit: LimitParam });

/** Comments of an item: by people, and by the run that works on it. */
export function addCommentRoutes(table: RouteTable, ports: CommentPorts): void {
  const db = ports.database.kysely;
  table.add(
    {
      method: "get",
      path: "/api/v1/items/{item}/comments",
      access: { role: "viewer", in: workItemScope, run: "own_item" },
      summary: "Comments on a work item, oldest first",
      request: { params: ItemParams, query: ListQuery },
      responses: { 200: jsonReply(CommentPage, "A page of them") },
    },
    async (c) => {
      const { after = 0, limit } = c.req.valid("query");
      const caller = callerOf(c);
      const insideOnly = caller.kind === "run" && !(await ports.hearsOutside(caller.runId));
      const comments = await listComments(db, itemGrantOf(c).workItemId, { after, limit, insideOnly });
      const last = comments.length === limit ? comments.at(-1) : undefined;
      return c.json(asRead({ comments, next_after: last?.id ?? null }, caller), 200);
    },
  );

  table.add(
    {
      method: "post",
      path: "/api/v1/items/{item}/comments",
      access: { role: "member", in: workItemScope, run: "own_item" },
      summary: "Comment on a work item",
      request: { params: ItemParams, body: jsonBody(NewComment) },
      responses: { 201: jsonReply(Comment, "The comment") },
    },
    async (c) => {
      const { workspaceId, workItemId } = itemGrantOf(c);
      const comment = { workspaceId, workItemId, body: c.req.valid("json").body };
      const caller = callerOf(c);
      const id =
        caller.kind === "run"
          ? await commentAsRun(ports, caller, comment)
          : await commentAsPerson(ports, caller, comment);
      return c.json(await getComment(db, id), 201);
    },
  );

  table.add(
    {
      method: "patch",
      path: "/api/v1/comments/{comment}",
      access: { role: "member", in: commentScope },
      summary: "Change one's own comment",
      request: { params: CommentParams, body: jsonBody(CommentPatch) },
      responses: { 200: jsonReply(Comment, "The comment now") },
    },
    async (c) => {
      const commentId = commentIdOf(c.req.valid("param").comment);
      const place = { ...itemGrantOf(c), commentId };
      await editComment(ports, place, personOf(c), c.req.valid("json").body);
      return c.json(await getComment(db, commentId), 200);
    },
  );

  table.add(
    {
      method: "delete",
      path: "/api/v1/comments/{comment}",
      access: { role: "member", in: commentScope },
      summary: "Delete a comment; for who wrote it and for admins",
      request: { params: CommentParams },
      responses: { 204: { description: "It is gone" } },
    },
    async (c) => {
      const commentId = commentIdOf(c.req.valid("param").comment);
      await deleteComment(ports, { ...itemGrantOf(c), commentId }, personOf(c));
      return c.body(null, 204);
    },
  );
}

function commentIdOf(text: string): number {
  const id = parseRowId(text);
  assert(id !== undefined, "the route's scope found the comment");
  return id;
}
