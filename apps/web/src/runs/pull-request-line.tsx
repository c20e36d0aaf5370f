import type { AgentRun } from "@windshift/contract/api/run.ts";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { PullRequestBadge } from "../pull-requests/pull-request-badge.tsx";
import { PlainLink } from "../tracker/plain-link.tsx";

/** On a forge it is decided there; here stands what was last read, and why that may be old. */
export function PullRequestLine({ pull }: { pull: NonNullable<AgentRun["pull_request"]> }) {
  return (
    <p className="pull-line">
      <PullRequestBadge state={pull.state} draft={pull.draft} />
      <PullRequestLink pull={pull} />
      {pull.sync_problem !== null && (
        <span className="pull-problem">
          Its state could not be read from the forge and may have changed: {visibleText(pull.sync_problem)}
        </span>
      )}
    </p>
  );
}

/** Straight to the forge: its address was set up by an admin of the workspace. Anything but a page is only shown. */
function PullRequestLink({ pull }: { pull: NonNullable<AgentRun["pull_request"]> }) {
  const name = `Pull request #${pull.number}`;
  if (pull.url === null) return <PlainLink to={paths.pullRequest(pull.id)}>{name}</PlainLink>;
  if (!/^https?:\/\//i.test(pull.url)) return <span>{name}</span>;
  return (
    <a href={pull.url} target="_blank" rel="noopener noreferrer" className="pull-forge-link">
      {name}
      <span aria-hidden> ↗</span>
    </a>
  );
}
