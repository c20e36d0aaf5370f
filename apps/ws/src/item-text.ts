import { field } from "./api.ts";

/** A work item for a person or a model to read: a head of short fields, the description, the comments. */
export function itemText(item: unknown): string {
  const head = [`${text(field(item, "key"))}: ${text(field(item, "title"))}`];
  for (const name of ["status", "assignee", "creator"]) {
    const value = nameOf(field(item, name));
    if (value !== "") head.push(`${name}: ${value}`);
  }
  const description = text(field(item, "description")).trim();
  const parts = [head.join("\n")];
  if (description !== "") parts.push(description);
  const comments = field(item, "comments");
  if (Array.isArray(comments)) parts.push(...comments.map(commentText));
  return parts.join("\n\n");
}

function commentText(comment: unknown): string {
  const who = nameOf(field(comment, "author")) || "someone";
  const when = text(field(comment, "created_at"));
  return `--- ${who}${when === "" ? "" : `, ${when}`}\n${text(field(comment, "body"))}`;
}

/** People come as an object with a name, or as the name itself. */
function nameOf(value: unknown): string {
  return text(field(value, "name")) || text(value);
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
