import { VisuallyHidden } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import type { Commit, PullRequestDetail } from "@windshift/contract/api/pull-request.ts";
import { allows } from "@windshift/contract/api/workspace.ts";
import { PullRequestId } from "@windshift/contract/ids.ts";
import { useRole } from "../api/me.ts";
import { Markdown } from "../parts/markdown.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { PersonName } from "../parts/person-name.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { PlainLink } from "../tracker/plain-link.tsx";
import { DiffView } from "./diff-view.tsx";
import { PullRequestBadge } from "./pull-request-badge.tsx";
import { Decision } from "./pull-request-decision.tsx";
import { commitsQuery, diffQuery, pullRequestQuery } from "./pull-request-queries.ts";

/** What a run proposes: its words, its commits, its changes, and the buttons that decide. */
export function PullRequestPage() {
  const { pullRequest } = useParams({ strict: false }) as { pullRequest?: string };
  const id = PullRequestId.safeParse(/^[1-9]\d*$/.test(pullRequest ?? "") ? Number(pullRequest) : undefined);
  if (!id.success) return <NotFoundPage />;
  return <PullRequest key={id.data} id={id.data} />;
}

function PullRequest({ id }: { id: number }) {
  const pull = useSuspenseQuery(pullRequestQuery(id)).data;
  const role = useRole(pull.work_item.slice(0, pull.work_item.indexOf("-"))) ?? "viewer";
  return (
    <div className="pull-page">
      <p className="run-quiet">
        <PlainLink to={paths.item(pull.work_item)}>{pull.work_item}</PlainLink> ·{" "}
        {visibleText(`${pull.repository.owner}/${pull.repository.name}`)} #{pull.number}
      </p>
      <PageHead title={visibleText(pull.title)} />
      <Intent pull={pull} />
      {pull.body !== "" && (
        <section className="pull-body" aria-labelledby="description">
          <VisuallyHidden>
            <h2 id="description">Description</h2>
          </VisuallyHidden>
          <Markdown text={visibleText(pull.body)} />
        </section>
      )}
      {pull.url === null ? (
        <Here pull={pull} mayDecide={allows(role, "member")} />
      ) : (
        <Elsewhere url={pull.url} />
      )}
    </div>
  );
}

function Intent({ pull }: { pull: PullRequestDetail }) {
  return (
    <p className="pull-line">
      <PullRequestBadge state={pull.state} draft={pull.draft} />
      <span>
        <PersonName user={{ ...pull.author, name: visibleText(pull.author.name) }} />{" "}
        {pull.state === "open" ? "wants to bring" : "proposed to bring"}{" "}
        <code>{visibleText(pull.source_branch)}</code> into <code>{visibleText(pull.target_branch)}</code>
      </span>
      <span className="run-quiet">
        <PlainLink to={paths.run(pull.work_item, pull.run_id)}>run {pull.run_id}</PlainLink> ·{" "}
        <TimeText at={pull.created_at} />
      </span>
    </p>
  );
}

/** One of the server's own repositories: it is read and decided on this page. */
function Here({ pull, mayDecide }: { pull: PullRequestDetail; mayDecide: boolean }) {
  const { commits } = useSuspenseQuery(commitsQuery(pull.id)).data;
  const diff = useSuspenseQuery(diffQuery(pull.id)).data;
  return (
    <>
      <Decision pull={pull} mayDecide={mayDecide} />
      <Commits commits={commits} />
      <DiffView diff={diff} />
    </>
  );
}

/** It is read and decided on its forge. */
function Elsewhere({ url }: { url: string }) {
  return (
    <section className="pull-decision" aria-label="On the forge">
      <p>
        Its commits, its changes and the decision are on the forge:{" "}
        {/^https?:\/\//i.test(url) ? (
          <a href={url} rel="noopener noreferrer">
            {url}
          </a>
        ) : (
          visibleText(url)
        )}
      </p>
    </section>
  );
}

function Commits({ commits }: { commits: readonly Commit[] }) {
  return (
    <section aria-labelledby="commits">
      <h2 id="commits" className="pull-heading">
        {commits.length} {commits.length === 1 ? "commit" : "commits"}
      </h2>
      <ul className="pull-commits">
        {commits.map((commit) => (
          <li key={commit.oid}>
            <div>
              <p className="pull-commit-subject">{visibleText(commit.subject)}</p>
              {commit.body !== "" && <pre className="pull-commit-body">{visibleText(commit.body)}</pre>}
              <p className="run-quiet">{visibleText(commit.author.name)}</p>
            </div>
            <code title={commit.oid}>{commit.oid.slice(0, 10)}</code>
          </li>
        ))}
      </ul>
    </section>
  );
}
