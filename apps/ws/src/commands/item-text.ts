import { field, list, text } from "../fields.ts";

/** An item with its comments, as the API gives them. */
export interface ItemWithComments {
  item: unknown;
  comments: readonly unknown[];
  /** There are later comments than those here. */
  more: boolean;
}

/** The item as a person or a model reads it: short fields, the description, what belongs to it, comments. */
export function itemText({ item, comments, more }: ItemWithComments): string {
  const head = [
    `${text(item, "key")}: ${text(item, "title")}`,
    ...line("status", text(item, "status")),
    ...line("priority", text(item, "priority") === "none" ? "" : text(item, "priority")),
    ...line("assignee", text(item, "assignee", "name")),
    ...line("creator", text(item, "creator", "name")),
    ...line(
      "labels",
      list(item, "labels")
        .map((label) => text(label, "name"))
        .join(", "),
    ),
    ...line("parent", refText(field(item, "parent"))),
    ...list(item, "children").map((child) => `sub-item: ${refText(child)}`),
    ...list(item, "linked_pages").map((page) => `page ${text(page, "id")}: ${text(page, "title")}`),
    ...list(item, "links").map((link) => `link: ${text(link, "title")} ${text(link, "url")}`),
  ];
  const description = text(item, "description").trim();
  return [
    head.join("\n"),
    ...(description === "" ? [] : [description]),
    ...comments.map(commentText),
    ...(more ? ["[there are more comments than are shown here]"] : []),
  ].join("\n\n");
}

/** A comment for a terminal: who and when, then the text. */
export function commentText(comment: unknown): string {
  const who = text(comment, "author", "name") || "someone";
  return `--- ${who}, ${text(comment, "created_at")}\n${text(comment, "body")}`;
}

function refText(ref: unknown): string {
  const key = text(ref, "key");
  return key === "" ? "" : `${key} ${text(ref, "title")} (${text(ref, "status")})`;
}

function line(name: string, value: string): string[] {
  return value === "" ? [] : [`${name}: ${value}`];
}
