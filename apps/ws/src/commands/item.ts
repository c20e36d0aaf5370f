import { type Call, type Command, EXIT, type Option, usageError, WORKSPACE_OPTION } from "../command.ts";
import { list, text } from "../fields.ts";
import { findWorkspace, itemKeyOf, textOf, workspaceOf } from "../item-key.ts";
import type { Column } from "../output.ts";
import { printable } from "../terminal.ts";
import { fetchComments } from "./comment.ts";
import { itemText } from "./item-text.ts";

const STATUSES = ["todo", "in_progress", "in_review", "done", "canceled"] as const;
const PRIORITIES = ["none", "low", "medium", "high", "urgent"] as const;
/** The most items of one call. */
const ITEMS_MAX = 100;
const ITEMS = 30;

const STATUS: Option = { name: "status", short: "s", value: "STATUS", doc: "status", choices: STATUSES };
const PRIORITY: Option = {
  name: "priority",
  short: "p",
  value: "PRIORITY",
  doc: "priority",
  choices: PRIORITIES,
};
const LABEL: Option = { name: "label", short: "l", value: "NAME", doc: "label", many: true };
const TITLE: Option = { name: "title", short: "t", value: "TEXT", doc: "title" };
const DESCRIPTION: Option = {
  name: "description",
  short: "d",
  value: "TEXT",
  doc: "description in Markdown; - reads it from stdin",
};
const PARENT: Option = { name: "parent", value: "KEY", doc: "the item it lies under; none for no one" };
export const WISHES: readonly Option[] = [
  { name: "message", short: "m", value: "TEXT", doc: "what the agent is told beside the item, for this run" },
  { name: "model", value: "MODEL", doc: "another model, for this run" },
  { name: "base-branch", value: "BRANCH", doc: "another branch to start from, for this run" },
];

export const itemCommands: readonly Command[] = [
  {
    words: ["item", "list"],
    operandsMax: 0,
    doc: "list work items; without a workspace those assigned to you everywhere",
    options: [
      WORKSPACE_OPTION,
      { ...STATUS, many: true },
      { name: "assignee", short: "a", value: "NAME", doc: "name of a member, me or none", many: true },
      LABEL,
      { ...PRIORITY, many: true },
      { name: "search", short: "q", value: "TEXT", doc: "in title, key and description" },
      { name: "sort", value: "ORDER", doc: "order", choices: ["updated", "created", "priority"] },
      { name: "limit", short: "n", value: "N", doc: `how many, ${ITEMS} by default` },
      { name: "before", value: "PLACE", doc: "what comes after: the next_before of the list before" },
    ],
    run: listItems,
  },
  {
    words: ["item", "show"],
    operands: "[KEY]",
    doc: "print a work item with its comments",
    run: async (call) => {
      const key = itemKeyOf(call);
      const item = await call.api.get(`/items/${key}`);
      const { comments, more } = await fetchComments(call.api, key);
      const all = typeof item === "object" && item !== null ? { ...item, comments } : { comments };
      await call.out.answer(all, () => itemText({ item, comments, more }));
      return EXIT.ok;
    },
  },
  {
    words: ["item", "create"],
    operandsMax: 0,
    doc: "create a work item and print its key",
    options: [
      WORKSPACE_OPTION,
      TITLE,
      DESCRIPTION,
      STATUS,
      PRIORITY,
      LABEL,
      PARENT,
      { name: "assign", short: "a", value: "NAME", doc: "assignee: a member, an agent or me" },
      ...WISHES,
    ],
    run: createItem,
  },
  {
    words: ["item", "edit"],
    operands: "[KEY]",
    doc: "change what is named; labels replace those it has",
    options: [TITLE, DESCRIPTION, STATUS, PRIORITY, LABEL, PARENT],
    run: editItem,
  },
  {
    words: ["item", "assign"],
    operands: "KEY NAME",
    operandsMax: 2,
    doc: "assign to a member or an agent (which starts its run), to me, or to none",
    options: WISHES,
    run: async (call) => {
      const key = itemKeyOf(call);
      const name = call.operands[1];
      if (name === undefined) throw usageError("name who is to work on it: a member, an agent, me or none");
      const assignee_id = await memberId(call, workspaceIn(key), name);
      const item = await call.api.send("PATCH", `/items/${key}`, { assignee_id, ...wishesOf(call) });
      await call.out.answer(
        item,
        () => `${key} is assigned to ${text(item, "assignee", "name") || "nobody"}`,
      );
      return EXIT.ok;
    },
  },
];

const COLUMNS: readonly Column<unknown>[] = [
  { title: "KEY", text: (item) => text(item, "key") },
  { title: "STATUS", text: (item) => text(item, "status") },
  { title: "PRIORITY", text: (item) => text(item, "priority").replace(/^none$/, "") },
  { title: "TITLE", text: (item) => text(item, "title"), shrinks: true },
  { title: "ASSIGNEE", text: (item) => text(item, "assignee", "name") },
  { title: "RUN", text: (item) => text(item, "active_run", "status") },
];

async function listItems(call: Call): Promise<number> {
  const workspace = findWorkspace(call, call.workspace);
  const query = new URLSearchParams();
  for (const status of call.options("status")) query.append("status", status);
  for (const priority of call.options("priority")) query.append("priority", priority);
  const assignees = call.options("assignee");
  if (workspace === undefined && assignees.length === 0) query.append("assignee", "me");
  for (const name of assignees) query.append("assignee", await assigneeFilter(call, workspace, name));
  for (const id of await labelIds(call, workspace)) query.append("label", String(id));
  for (const name of ["sort", "before"] as const)
    if (call.has(name)) query.set(name, call.option(name) ?? "");
  if (call.has("search")) query.set("q", call.option("search") ?? "");
  query.set("limit", String(limitOf(call)));
  const page = await call.api.get(
    `${workspace === undefined ? "" : `/workspaces/${workspace}`}/items?${query}`,
  );
  if (call.out.json) await call.out.data(page);
  else await call.out.table(list(page, "items"), COLUMNS, "no work items");
  // Beside the table and not in it, as with runs.
  const next = text(page, "next_before");
  if (!call.out.json && next !== "")
    process.stderr.write(
      `ws: there are more: add --before ${printable(next)}, or ask for up to ${ITEMS_MAX} with -n\n`,
    );
  return EXIT.ok;
}

async function createItem(call: Call): Promise<number> {
  const workspace = workspaceOf(call);
  const title = call.option("title");
  if (!title) throw usageError("give it a title with -t");
  const assign = call.option("assign");
  const item = await call.api.send("POST", `/workspaces/${workspace}/items`, {
    title,
    ...(await changesOf(call, workspace)),
    ...(assign === undefined ? {} : { assignee_id: await memberId(call, workspace, assign) }),
    ...wishesOf(call),
  });
  await call.out.answer(item, () => text(item, "key"));
  return EXIT.ok;
}

async function editItem(call: Call): Promise<number> {
  const key = itemKeyOf(call);
  const changes = await changesOf(call, workspaceIn(key));
  const title = call.option("title");
  const body = { ...(title === undefined ? {} : { title }), ...changes };
  if (Object.keys(body).length === 0) throw usageError("say what to change");
  const item = await call.api.send("PATCH", `/items/${key}`, body);
  await call.out.answer(item, () => `changed ${key}`);
  return EXIT.ok;
}

/** What create and edit have in common, as the API takes it. */
async function changesOf(call: Call, workspace: string): Promise<Record<string, unknown>> {
  const parent = call.option("parent");
  return {
    ...(call.has("description") ? { description: await textOf(call, "description") } : {}),
    ...(call.has("status") ? { status: call.option("status") } : {}),
    ...(call.has("priority") ? { priority: call.option("priority") } : {}),
    ...(call.has("label") ? { label_ids: await labelIds(call, workspace) } : {}),
    ...(parent === undefined ? {} : { parent_key: parent === "none" ? null : parent }),
  };
}

/** What a run is told beside the item; nothing when nothing was said. */
export function wishesOf(call: Pick<Call, "option">): { run?: Record<string, string> } {
  const said = {
    ...named("instruction", call.option("message")),
    ...named("model", call.option("model")),
    ...named("base_branch", call.option("base-branch")),
  };
  return Object.keys(said).length === 0 ? {} : { run: said };
}

function named(name: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value };
}

async function assigneeFilter(call: Call, workspace: string | undefined, name: string): Promise<string> {
  if (name === "me" || name === "none") return name;
  if (workspace === undefined) throw usageError("name a workspace with -w to look for a member");
  return (await memberId(call, workspace, name)) ?? "none";
}

/** The id of a member by handle, by name, whatever its case, or by id. @throws WsError that names those there are */
async function memberId(call: Call, workspace: string, name: string): Promise<string | null> {
  if (name === "none") return null;
  if (name === "me") return text(await call.api.get("/me"), "id");
  const members = list(await call.api.get(`/workspaces/${workspace}/members`), "members");
  const wanted = name.replace(/^@/, "").toLowerCase();
  // A handle and an id are somebody's alone; a name may be that of several.
  const exact = members.find((m) => text(m, "user_id") === name || text(m, "handle") === wanted);
  const found =
    exact === undefined ? members.filter((m) => text(m, "name").toLowerCase() === wanted) : [exact];
  if (found.length === 1) return text(found[0], "user_id");
  const shown = (some: readonly unknown[]) =>
    some.map((m) => `${text(m, "name")} (@${text(m, "handle")})`).join(", ");
  throw usageError(
    found.length > 1
      ? `${workspace} has ${found.length} members ${name}; say which by the handle: ${shown(found)}`
      : `${workspace} has no member ${name}; there are ${shown(members)}`,
  );
}

async function labelIds(call: Call, workspace: string | undefined): Promise<number[]> {
  const names = call.options("label");
  if (names.length === 0) return [];
  if (workspace === undefined) throw usageError("name a workspace with -w to look for a label");
  const labels = list(await call.api.get(`/workspaces/${workspace}/labels`), "labels");
  return names.map((name) => {
    const found = labels.find((label) => text(label, "name").toLowerCase() === name.toLowerCase());
    if (found !== undefined) return Number(text(found, "id"));
    throw usageError(
      `${workspace} has no label ${name}; there are ${labels.map((l) => text(l, "name")).join(", ")}`,
    );
  });
}

function limitOf(call: Call): number {
  const limit = call.option("limit");
  if (limit === undefined) return ITEMS;
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > ITEMS_MAX)
    throw usageError(`-n takes 1 to ${ITEMS_MAX}`);
  return Number(limit);
}

function workspaceIn(key: string): string {
  return key.replace(/-.*$/, "");
}
