import { COMMENT_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { Api } from "../api.ts";
import { type Command, EXIT, usageError } from "../command.ts";
import { field, list } from "../fields.ts";
import { itemKeyOf, textOf } from "../item-key.ts";
import { commentText } from "./item-text.ts";

/** Pages of comments taken; at the API's page size more than any item should have. The text says when there are more. */
const COMMENT_PAGES_MAX = 20;

export const commentCommands: readonly Command[] = [
  {
    words: ["comment", "add"],
    operands: "[KEY]",
    operandsMax: 2,
    doc: "comment on a work item; without -m the text is read from stdin",
    options: [{ name: "message", short: "m", value: "TEXT", doc: "the comment, in Markdown" }],
    run: async (call) => {
      const operands = call.operands.filter((word) => word !== "-");
      const key = itemKeyOf({ ...call, operands });
      const body = await textOf(call, "message");
      if (body === "") throw usageError("the comment is empty");
      const bytes = Buffer.byteLength(body);
      if (bytes > COMMENT_BYTES_MAX)
        throw usageError(`the comment has ${bytes} bytes, over ${COMMENT_BYTES_MAX}`);
      const comment = await call.api.send("POST", `/items/${key}/comments`, { body });
      await call.out.answer(comment, () => `commented on ${key}`);
      return EXIT.ok;
    },
  },
  {
    words: ["comment", "list"],
    operands: "[KEY]",
    doc: "print the comments of a work item",
    run: async (call) => {
      const { comments, more } = await fetchComments(call.api, itemKeyOf(call));
      const rest = more ? ["[there are more comments than are shown here]"] : [];
      await call.out.answer({ comments }, () => [...comments.map(commentText), ...rest].join("\n\n"));
      return EXIT.ok;
    },
  },
];

/** All comments of an item, oldest first. */
export async function fetchComments(api: Api, key: string): Promise<{ comments: unknown[]; more: boolean }> {
  const comments: unknown[] = [];
  let after: unknown = null;
  for (let page = 0; page < COMMENT_PAGES_MAX; page++) {
    const next = await api.get(`/items/${key}/comments${typeof after === "number" ? `?after=${after}` : ""}`);
    comments.push(...list(next, "comments"));
    after = field(next, "next_after");
    if (typeof after !== "number") break;
  }
  return { comments, more: typeof after === "number" };
}
