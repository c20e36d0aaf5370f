import { cutUtf8 } from "@windshift/base/truncate.ts";
import { runBranch } from "@windshift/contract/ids.ts";
import type { AttemptResult } from "@windshift/contract/job.ts";
import { PR_TITLE_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { Ending, Run } from "./run.ts";

/** What the texts say about the item. */
export interface ItemText {
  key: string;
  title: string;
  agentName: string;
  requestedByName: string;
}

/** `DEMO-12: title`, one line, at most PR_TITLE_BYTES_MAX bytes. Source: INTERFACES section 5. */
export function pullRequestTitle(item: ItemText): string {
  const title = `${item.key}: ${item.title.replace(/\s+/g, " ").trim()}`;
  if (Buffer.byteLength(title) <= PR_TITLE_BYTES_MAX) return title;
  return `${cutUtf8(title, PR_TITLE_BYTES_MAX - 3)}…`;
}

/** Title and body of the draft pull request: what was done, how it was checked, where it came from. */
export function describePullRequest(about: {
  run: Run;
  item: ItemText;
  result: AttemptResult;
  baseUrl: string;
}) {
  const { run, item, result, baseUrl } = about;
  const summary = result.summary.trim() || "The agent gave no summary.";
  const facts = [
    `- Item: [${item.key}](${baseUrl}/items/${item.key})`,
    `- Run: [${run.id}](${baseUrl}/items/${item.key}#run-${run.id}), attempt ${result.attempt}, by ${inline(item.agentName)}, asked for by ${inline(item.requestedByName)}`,
    `- Model: ${inline(run.grants?.model ?? "unknown")}`,
    ...(result.outcome === "completed"
      ? []
      : ["- **The agent did not finish**: it says that it cannot go on."]),
    ...(result.isolation === "unsandboxed" ? ["- **Unsafe**: this run was made without a container."] : []),
    "- Checks: what the summary says about tests is the agent's own word; the transcript on the run shows the commands and their output.",
  ];
  return { title: pullRequestTitle(item), body: `${summary}\n\n---\n\n${facts.join("\n")}` };
}

/** The comment that a finished run leaves on its item. */
export function describeResult(about: {
  run: Run;
  item: ItemText;
  result: AttemptResult;
  ending: Ending;
  commits: number;
  pullRequest: { url: string; title: string } | undefined;
  baseUrl: string;
}): string {
  const { run, result, ending, commits, pullRequest } = about;
  const lines = [headline(run, ending, commits, pullRequest)];
  if (ending.detail !== null) lines.push(ending.detail);
  if (result.summary.trim() !== "") lines.push(result.summary.trim());
  if (pullRequest === undefined && commits > 0) {
    lines.push(`${count(commits)} kept on the branch \`${runBranch(run.id)}\`; no pull request was opened.`);
  }
  return lines.join("\n\n");
}

function headline(
  run: Run,
  ending: Ending,
  commits: number,
  pullRequest: { url: string } | undefined,
): string {
  const what = `Run ${run.id}`;
  if (ending.status === "succeeded" && pullRequest !== undefined) {
    return `${what} opened a draft pull request with ${count(commits)}: ${pullRequest.url}`;
  }
  if (ending.reason === "no_changes")
    return `${what} ended without changes: there is no branch and no pull request.`;
  if (ending.status === "waiting") return `${what} has a question and waits for a reply on this item.`;
  if (ending.status === "canceled") return `${what} was canceled.`;
  return `${what} failed (${ending.reason}).${pullRequest === undefined ? "" : ` Its ${count(commits)} can be seen in ${pullRequest.url}`}`;
}

function count(commits: number): string {
  return commits === 1 ? "1 commit" : `${commits} commits`;
}

/** Names in Markdown: nothing that could become a link, an image or a line of its own. */
function inline(text: string): string {
  return text.replace(/[\p{Cc}`*_[\]()<>#!|\\]/gu, " ").trim();
}
