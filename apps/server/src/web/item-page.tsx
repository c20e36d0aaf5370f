/** @jsxImportSource hono/jsx */
import { CommentPage } from "@windshift/contract/api/comment.ts";
import { type AgentRun, AgentRunList, AgentRunUsage } from "@windshift/contract/api/run.ts";
import { Me } from "@windshift/contract/api/user.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { allows, Member } from "@windshift/contract/api/workspace.ts";
import { LIST_PAGE_MAX } from "@windshift/contract/limits.ts";
import { z } from "zod";
import { Comments } from "./comment-list.tsx";
import { ItemSide } from "./item-side.tsx";
import { Layout } from "./layout.tsx";
import type { PageApi } from "./page-api.ts";
import { Runs } from "./run-list.tsx";
import { Time } from "./time-text.tsx";

export interface ItemView {
  me: Me;
  item: WorkItemDetail;
  comments: CommentPage;
  /** Whether earlier comments were left out. */
  later: boolean;
  members: Member[];
  runs: AgentRunList["runs"];
  /** What the newest runs used, by the run's id. */
  usage: Map<number, AgentRunUsage>;
  /** Whether the person may spend more. */
  isAdmin: boolean;
  /** Whether the person may change the item. */
  mayChange: boolean;
}

/** @param after the comment after which the page goes on, as it stands in the address */
export async function readItem(api: PageApi, key: string, after: string | undefined): Promise<ItemView> {
  const path = `/api/v1/items/${key}`;
  const from = /^[1-9][0-9]{0,9}$/.test(after ?? "") ? after : "0";
  const item = await api.get(path, WorkItemDetail);
  const [me, comments, list, runs] = await Promise.all([
    api.get("/api/v1/me", Me),
    api.get(`${path}/comments?after=${from}&limit=${LIST_PAGE_MAX}`, CommentPage),
    api.get(`/api/v1/workspaces/${item.workspace}/members`, z.object({ members: z.array(Member) })),
    api.get(`${path}/agent-runs`, AgentRunList),
  ]);
  const role = me.workspaces.find((workspace) => workspace.key === item.workspace)?.role ?? "viewer";
  return {
    me,
    item,
    comments,
    later: from !== "0",
    members: list.members,
    runs: runs.runs,
    usage: await readUsage(api, runs.runs),
    isAdmin: allows(role, "admin"),
    mayChange: allows(role, "member"),
  };
}

/** Runs whose use is shown; of older ones the API tells. */
const USAGE_RUNS_MAX = 10;

async function readUsage(api: PageApi, runs: readonly AgentRun[]): Promise<ItemView["usage"]> {
  const shown = runs.slice(0, USAGE_RUNS_MAX);
  const read = shown.map(
    async ({ id }) => [id, await api.get(`/api/v1/agent-runs/${id}/usage`, AgentRunUsage)] as const,
  );
  return new Map(await Promise.all(read));
}

/** Everything about one item. Parts with `data-refresh` are taken anew from the server while the page is open. */
export function ItemPage({ view, baseUrl }: { view: ItemView; baseUrl: string }) {
  const { item } = view;
  return (
    <Layout
      title={`${item.key} ${item.title}`}
      person={view.me}
      crumbs={[{ text: item.workspace, href: "/" }, { text: item.key }]}
    >
      <div class="split">
        <div class="split-main">
          <header class="headline" id="item-head" data-refresh>
            <p class="key">{item.key}</p>
            <h1>{item.title}</h1>
            <p class="muted small">
              {item.creator.name} created this <Time at={item.created_at} />
            </p>
          </header>
          <section aria-labelledby="description">
            <h2 id="description" class="hidden">
              Description
            </h2>
            {item.description === "" ? (
              <p class="empty">No description.</p>
            ) : (
              <pre class="prose">{item.description}</pre>
            )}
          </section>
        </div>
        <ItemSide view={view} baseUrl={baseUrl} />
        <div class="split-main">
          <Runs
            runs={view.runs}
            usage={view.usage}
            itemKey={item.key}
            mayChange={view.mayChange}
            isAdmin={view.isAdmin}
          />
          <Comments view={view} />
        </div>
      </div>
    </Layout>
  );
}
