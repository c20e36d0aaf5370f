import { type ApiReply, callApi, field } from "./api.ts";
import type { WsConfig } from "./config.ts";

/** Pages of comments taken; at the API's page size more than any item should have. The text says when there are more. */
const COMMENT_PAGES_MAX = 20;

/** An item with its comments, as the API gives them. */
export interface ItemWithComments {
  item: unknown;
  comments: unknown[];
  /** There are later comments than those here. */
  more: boolean;
}

/** Reads an item and all its comments. */
export async function fetchItem(
  config: WsConfig,
  key: string,
): Promise<{ kind: "ok"; body: ItemWithComments } | Extract<ApiReply, { kind: "failed" }>> {
  const reply = await callApi(config, "GET", `/v1/items/${key}`);
  if (reply.kind === "failed") return reply;
  const comments: unknown[] = [];
  let after: unknown = null;
  for (let page = 0; page < COMMENT_PAGES_MAX; page++) {
    const query = typeof after === "number" ? `?after=${after}` : "";
    const next = await callApi(config, "GET", `/v1/items/${key}/comments${query}`);
    if (next.kind === "failed") return next;
    const list = field(next.body, "comments");
    if (Array.isArray(list)) comments.push(...list);
    after = field(next.body, "next_after");
    if (typeof after !== "number") break;
  }
  return { kind: "ok", body: { item: reply.body, comments, more: typeof after === "number" } };
}

/** The item as a person or a model reads it: short fields, the description, links, comments. */
export function itemText({ item, comments, more }: ItemWithComments): string {
  const head = [`${text(field(item, "key"))}: ${text(field(item, "title"))}`];
  for (const name of ["status", "assignee", "creator"]) {
    const value = field(item, name);
    const shown = text(field(value, "name")) || text(value);
    if (shown !== "") head.push(`${name}: ${shown}`);
  }
  const links = field(item, "links");
  if (Array.isArray(links))
    head.push(...links.map((link) => `link: ${text(field(link, "title"))} ${text(field(link, "url"))}`));
  const description = text(field(item, "description")).trim();
  return [
    head.join("\n"),
    ...(description === "" ? [] : [description]),
    ...comments.map(commentText),
    ...(more ? ["[there are more comments than are shown here]"] : []),
  ].join("\n\n");
}

function commentText(comment: unknown): string {
  const who = text(field(field(comment, "author"), "name")) || "someone";
  return `--- ${who}, ${text(field(comment, "created_at"))}\n${text(field(comment, "body"))}`;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
