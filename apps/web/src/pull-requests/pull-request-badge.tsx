import {
  IconGitMerge,
  IconGitPullRequest,
  IconGitPullRequestClosed,
  IconGitPullRequestDraft,
} from "@tabler/icons-react";
import type { PullRequest } from "@windshift/contract/api/pull-request.ts";

/** How a pull request is, as an icon and a word. */
export function PullRequestBadge({ state, draft }: Pick<PullRequest, "state" | "draft">) {
  const { name, text, icon: Icon } = lookOf(state, draft);
  return (
    <span className={`pull-badge pull-${name}`}>
      <Icon size={16} stroke={1.8} aria-hidden />
      {text}
    </span>
  );
}

function lookOf(state: PullRequest["state"], draft: boolean) {
  if (state === "merged") return { name: "merged", text: "Merged", icon: IconGitMerge };
  if (state === "closed") return { name: "closed", text: "Closed", icon: IconGitPullRequestClosed };
  return draft
    ? { name: "draft", text: "Draft", icon: IconGitPullRequestDraft }
    : { name: "open", text: "Open", icon: IconGitPullRequest };
}
