import { Priority, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { WorkItemKey, WorkspaceKey } from "@windshift/contract/ids.ts";
import { z } from "zod";

/** What tools need of the API: calls below `/api/v1`. Both reject with an Error whose message is for the reader. */
export interface McpApi {
  get(path: string): Promise<unknown>;
  send(method: "POST" | "PATCH", path: string, body: object): Promise<unknown>;
}

/** One tool: what a model is told about it, and the call it is. */
export interface Tool {
  name: string;
  description: string;
  /** `read` changes nothing; `destroy` ends or replaces something. */
  kind: "read" | "write" | "destroy";
  input: z.ZodRawShape;
  call(api: McpApi, args: Record<string, unknown>): Promise<unknown>;
}

const key = WorkItemKey.describe("key of a work item, such as DEMO-12");
const workspace = WorkspaceKey.describe("key of a workspace, such as DEMO");
const run = z.int().positive().describe("number of a run");
const limit = z.int().min(1).max(100).default(30).describe("how many at most");
const before = z.int().positive().optional().describe("next_before of the list before");
const markdown = z.string().describe("Markdown");
const status = WorkItemStatus.describe("status");

/** Keeps the input's types inside one tool and hands out what a list of tools can hold. */
function tool<const S extends z.ZodRawShape>(
  name: string,
  kind: Tool["kind"],
  description: string,
  input: S,
  call: (api: McpApi, args: z.infer<z.ZodObject<S>>) => Promise<unknown>,
): Tool {
  const schema = z.object(input);
  return { name, kind, description, input, call: (api, args) => call(api, schema.parse(args)) };
}

/** Every tool, in the order a reader meets them. */
export const TOOLS: readonly Tool[] = [
  tool("whoami", "read", "Who the caller is, and the workspaces they are in.", {}, (api) => api.get("/me")),
  tool(
    "list_items",
    "read",
    "Lists work items of a workspace, or those assigned to the caller when no workspace is named.",
    {
      workspace: workspace.optional(),
      status: z.array(status).optional(),
      assignee: z.string().optional().describe("id of a user, me or none"),
      priority: z.array(Priority).optional(),
      search: z.string().max(200).optional().describe("in title, key and description"),
      limit,
      before: z.string().max(40).optional().describe("next_before of the list before"),
    },
    (api, { workspace: place, status: statuses, assignee, priority, search, limit: most, before }) =>
      api.get(
        `${place === undefined ? "" : `/workspaces/${place}`}/items${query({
          status: statuses,
          assignee: assignee ?? (place === undefined ? "me" : undefined),
          priority,
          q: search,
          limit: most,
          before,
        })}`,
      ),
  ),
  tool(
    "get_item",
    "read",
    "A work item with its description, links and a page of its comments, oldest first.",
    { key, after: z.int().min(0).optional().describe("next_after of the page of comments before") },
    async (api, { key: item, after }) => ({
      item: await api.get(`/items/${item}`),
      comments: await api.get(`/items/${item}/comments${query({ after })}`),
    }),
  ),
  tool(
    "create_item",
    "write",
    "Creates a work item.",
    { workspace, title: z.string(), description: markdown.default(""), priority: Priority.default("none") },
    (api, { workspace: place, ...item }) => api.send("POST", `/workspaces/${place}/items`, item),
  ),
  tool(
    "update_item",
    "write",
    "Changes title, description, status or priority of a work item.",
    {
      key,
      title: z.string().optional(),
      description: markdown.optional(),
      status: status.optional(),
      priority: Priority.optional(),
    },
    (api, { key: item, ...changes }) => api.send("PATCH", `/items/${item}`, changes),
  ),
  tool(
    "assign_item",
    "write",
    "Assigns a work item. An agent as assignee starts a run, which costs tokens; list_agents names them.",
    {
      key,
      assignee_id: z.string().nullable().describe("id of a member or an agent; null for nobody"),
      instruction: z.string().optional().describe("what the agent is told beside the item"),
    },
    (api, { key: item, assignee_id, instruction }) =>
      api.send("PATCH", `/items/${item}`, {
        assignee_id,
        ...(instruction === undefined ? {} : { run: { instruction } }),
      }),
  ),
  tool(
    "add_comment",
    "write",
    "Comments on a work item.",
    { key, body: markdown },
    (api, { key: item, body }) => api.send("POST", `/items/${item}/comments`, { body }),
  ),
  tool(
    "list_members",
    "read",
    "People and agents of a workspace with their ids, handles and roles; a comment calls somebody by @handle.",
    { workspace },
    (api, args) => api.get(`/workspaces/${args.workspace}/members`),
  ),
  tool(
    "list_agents",
    "read",
    "Agents of a workspace and whether they are free.",
    { workspace },
    (api, args) => api.get(`/workspaces/${args.workspace}/agents`),
  ),
  tool(
    "list_pages",
    "read",
    "Documents of a workspace.",
    { workspace, search: z.string().max(200).optional(), limit, before },
    (api, { workspace: place, search, limit: most, before: last }) =>
      api.get(`/workspaces/${place}/pages${query({ q: search, limit: most, before: last })}`),
  ),
  tool("get_page", "read", "The text of a document.", { page: z.int().positive() }, (api, { page }) =>
    api.get(`/pages/${page}`),
  ),
  tool(
    "list_skills",
    "read",
    "Skills of a workspace: how things are done there.",
    { workspace },
    (api, args) => api.get(`/workspaces/${args.workspace}/skills`),
  ),
  tool("get_skill", "read", "The text of a skill.", { skill: z.int().positive() }, (api, { skill }) =>
    api.get(`/skills/${skill}`),
  ),
  tool(
    "list_runs",
    "read",
    "Agent runs of a work item, newest first.",
    { key, limit, before },
    (api, { key: item, limit: most, before: last }) =>
      api.get(`/items/${item}/agent-runs${query({ limit: most, before: last })}`),
  ),
  tool("get_run", "read", "A run: state, attempts, pull request, summary.", { run }, (api, args) =>
    api.get(`/agent-runs/${args.run}`),
  ),
  tool(
    "get_run_events",
    "read",
    "A part of a run's transcript, oldest first.",
    { run, after: z.int().min(0).default(0).describe("next_after of the part before"), limit },
    (api, { run: id, after, limit: most }) =>
      api.get(`/agent-runs/${id}/events${query({ after, limit: most })}`),
  ),
  tool(
    "start_run",
    "write",
    "Starts a run on a work item again, with the same agent. Costs tokens.",
    { key, instruction: z.string().optional() },
    (api, { key: item, ...body }) => api.send("POST", `/items/${item}/agent-runs`, body),
  ),
  tool("cancel_run", "destroy", "Ends a run; its commits so far stay on its branch.", { run }, (api, args) =>
    api.send("POST", `/agent-runs/${args.run}/cancel`, {}),
  ),
];

function query(values: Record<string, string | number | readonly string[] | undefined>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) params.append(name, String(one));
  return params.size === 0 ? "" : `?${params}`;
}
