/** @jsxImportSource hono/jsx */
import { Commit, Diff, PullRequestDetail } from "@windshift/contract/api/pull-request.ts";
import { Me } from "@windshift/contract/api/user.ts";
import { allows } from "@windshift/contract/api/workspace.ts";
import { z } from "zod";
import { PullRequestBadge, UserName } from "./badge.tsx";
import { DiffView } from "./diff-view.tsx";
import { Layout } from "./layout.tsx";
import type { PageApi } from "./page-api.ts";
import { Decision } from "./pull-request-decision.tsx";
import { Time } from "./time-text.tsx";

export interface PullRequestView {
  me: Me;
  pull: PullRequestDetail;
  commits: Commit[];
  diff: Diff;
  /** Whether the person may merge or close it. */
  mayDecide: boolean;
}

export async function readPullRequest(api: PageApi, id: number): Promise<PullRequestView> {
  const path = `/api/v1/pull-requests/${id}`;
  const pull = await api.get(path, PullRequestDetail);
  const here = pull.url === null;
  const [me, list, diff] = await Promise.all([
    api.get("/api/v1/me", Me),
    here ? api.get(`${path}/commits`, z.object({ commits: z.array(Commit) })) : { commits: [] },
    here ? api.get(`${path}/diff`, Diff) : { files: [], patch: "", truncated: false },
  ]);
  const workspace = pull.work_item.split("-")[0];
  const role = me.workspaces.find(({ key }) => key === workspace)?.role ?? "viewer";
  return { me, pull, commits: list.commits, diff, mayDecide: allows(role, "member") };
}

/** What a run proposes: its words, its commits, its changes, and the buttons that decide. */
export function PullRequestPage(view: PullRequestView) {
  const { pull } = view;
  const repository = `${pull.repository.owner}/${pull.repository.name}`;
  return (
    <Layout
      title={pull.title}
      person={view.me}
      crumbs={[
        { text: pull.work_item, href: `/items/${pull.work_item}` },
        { text: `Pull request ${pull.number}` },
      ]}
    >
      <div class="wide-page">
        <header class="headline">
          <p class="key">
            {repository} #{pull.number}
          </p>
          <h1>{pull.title}</h1>
          <p class="pull-line">
            <PullRequestBadge state={pull.state} draft={pull.draft} />
            <span>
              <UserName user={pull.author} /> {pull.state === "open" ? "wants to bring" : "proposed to bring"}{" "}
              <code>{pull.source_branch}</code> into <code>{pull.target_branch}</code>
            </span>
            <span class="muted small">
              <a href={`/items/${pull.work_item}#run-${pull.run_id}`}>run {pull.run_id}</a> ·{" "}
              <Time at={pull.created_at} />
            </span>
          </p>
        </header>
        {pull.body !== "" && <pre class="card prose">{pull.body}</pre>}
        {pull.url === null ? (
          <>
            <Decision pull={pull} mayDecide={view.mayDecide} />
            <Commits commits={view.commits} />
            <DiffView diff={view.diff} />
          </>
        ) : (
          <Elsewhere url={pull.url} />
        )}
      </div>
    </Layout>
  );
}

/** It is read and decided on its forge. */
function Elsewhere({ url }: { url: string }) {
  return (
    <section class="card" aria-label="On the forge">
      <p>
        Its commits, its changes and the decision are on the forge:{" "}
        {/^https?:\/\//i.test(url) ? (
          <a href={url} rel="noopener noreferrer">
            {url}
          </a>
        ) : (
          url
        )}
      </p>
    </section>
  );
}

function Commits({ commits }: { commits: readonly Commit[] }) {
  return (
    <section aria-labelledby="commits">
      <h2 id="commits">
        {commits.length} {commits.length === 1 ? "commit" : "commits"}
      </h2>
      <ul class="commits">
        {commits.map((commit) => (
          <li>
            <div>
              <p class="commit-subject">{commit.subject}</p>
              {commit.body !== "" && <pre class="prose small">{commit.body}</pre>}
              <p class="muted small">{commit.author.name}</p>
            </div>
            <code title={commit.oid}>{commit.oid.slice(0, 10)}</code>
          </li>
        ))}
      </ul>
    </section>
  );
}
