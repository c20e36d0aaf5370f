import { cutUtf8 } from "@windshift/base/truncate.ts";
import { runBranch } from "@windshift/contract/ids.ts";
import type { AttemptResult } from "@windshift/contract/job.ts";
import { PR_TITLE_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { OpenedPullRequest } from "./forge.ts";
import { disarm, inlineOutgoing, quoteOutgoing } from "./outgoing-text.ts";
import { branchRunOf, type Ending, type Run } from "./run.ts";
import type { ReviewFlag } from "./run-flags.ts";
import type { RunNames } from "./run-names.ts";

/** What is said of a summary on a forge, bytes: more than is read there, and all of it stands on the item. */
const SUMMARY_OUTGOING_BYTES_MAX = 16_384;
/** A text on a forge in all, bytes. GitHub takes 65,536 characters; the rest is for marks that are added to it. */
const OUTGOING_BYTES_MAX = 61_440;

/** `DEMO-12: title`, one line, at most PR_TITLE_BYTES_MAX bytes. Source: INTERFACES section 5. */
export function pullRequestTitle(names: RunNames): string {
  const title = `${names.itemKey}: ${disarm(names.itemTitle).replace(/\s+/g, " ").trim()}`;
  if (Buffer.byteLength(title) <= PR_TITLE_BYTES_MAX) return title;
  return `${cutUtf8(title, PR_TITLE_BYTES_MAX - 3)}…`;
}

/** Title and body of the draft pull request: what was done, how it was checked, where it came from. */
export function describePullRequest(about: {
  run: Run;
  names: RunNames;
  result: AttemptResult;
  baseUrl: string;
  /** What its pushes hold that a person should see. */
  flags: readonly ReviewFlag[];
}) {
  const { run, names, result, baseUrl, flags } = about;
  const itemUrl = `${baseUrl}/items/${names.itemKey}`;
  const facts = [
    `- Item: [${names.itemKey}](${itemUrl})`,
    `- Run: [${run.id}](${itemUrl}#run-${run.id}), attempt ${result.attempt}, by ${inlineOutgoing(names.agent)}, asked for by ${inlineOutgoing(names.requestedBy)}`,
    `- Model: ${inlineOutgoing(run.grants?.model ?? "unknown")}`,
    ...(result.outcome === "completed"
      ? []
      : ["- **The agent did not finish**: it says that it cannot go on."]),
    ...(result.isolation === "unsandboxed" ? ["- **Unsafe**: this run was made without a container."] : []),
    "- Checks: what the summary says about tests is the agent's own word; the transcript on the run shows the commands and their output.",
  ];
  const body = [...quoteSummary(about), ...describeFlags(flags), "---", facts.join("\n")].join("\n\n");
  return { title: pullRequestTitle(names), body: cutUtf8(body, OUTGOING_BYTES_MAX) };
}

/** The agent's own words as a quotation, and whose they are. */
function quoteSummary({
  run,
  names,
  result,
  baseUrl,
}: {
  run: Run;
  names: RunNames;
  result: AttemptResult;
  baseUrl: string;
}): string[] {
  const { itemKey, agent } = names;
  if (result.summary.trim() === "") return ["The agent gave no summary."];
  const more = `The rest of it stands on [${itemKey}](${baseUrl}/items/${itemKey}#run-${run.id}).`;
  return [
    `What ${inlineOutgoing(agent)} says:`,
    quoteOutgoing(result.summary, SUMMARY_OUTGOING_BYTES_MAX, more),
  ];
}

/** Files named one by one; a longer list is not read anyway. */
const FLAGS_NAMED_MAX = 30;

function describeFlags(flags: readonly ReviewFlag[]): string[] {
  if (flags.length === 0) return [];
  const lines = flags
    .slice(0, FLAGS_NAMED_MAX)
    .map(({ path, what }) => `- ${inlineOutgoing(path)}: ${inlineOutgoing(what)}`);
  const more = flags.length - lines.length;
  return [
    "**Look at these before merging:** they were let through, and flagged by the push policy.",
    [...lines, ...(more > 0 ? [`- and ${more} more; the transcript of the run names them`] : [])].join("\n"),
  ];
}

/** The comment that a finished run leaves on its item. */
export function describeResult(about: {
  run: Run;
  names: RunNames;
  result: AttemptResult;
  ending: Ending;
  commits: number;
  pullRequest: OpenedPullRequest | undefined;
  baseUrl: string;
}): string {
  const { run, result, ending, commits, pullRequest } = about;
  const lines = [headline(run, ending, commits, pullRequest)];
  if (pullRequest?.note !== undefined) lines.push(pullRequest.note);
  if (ending.detail !== null) lines.push(ending.detail);
  if (result.summary.trim() !== "") lines.push(result.summary.trim());
  if (pullRequest === undefined && commits > 0) {
    lines.push(
      `${count(commits)} kept on the branch \`${runBranch(branchRunOf(run))}\`; no pull request was opened.`,
    );
  }
  return lines.join("\n\n");
}

/** Why a run failed, as far as it is said on a forge, bytes. */
const DETAIL_BYTES_MAX = 4_096;

/** What is said on the pull request to whoever asked for the run there. */
export function describeReply(about: {
  run: Run;
  names: RunNames;
  result: AttemptResult;
  ending: Ending;
  commits: number;
  baseUrl: string;
}): string {
  const { run, names, result, ending, commits, baseUrl } = about;
  const link = `[Run ${run.id}](${baseUrl}/items/${names.itemKey}#run-${run.id})`;
  const what =
    ending.status === "succeeded" && commits > 0
      ? "pushed to this branch."
      : ending.status === "waiting"
        ? `has a question; it is answered on [${names.itemKey}](${baseUrl}/items/${names.itemKey}).`
        : ending.reason === "no_changes"
          ? "ended without further changes."
          : `ended as ${ending.status} (${ending.reason.replaceAll("_", " ")}).`;
  const lines = [`${link} ${what}`];
  if (ending.detail !== null && ending.status === "failed")
    lines.push(quoteOutgoing(ending.detail, DETAIL_BYTES_MAX, `The rest of it stands on ${link}.`));
  if (result.summary.trim() !== "") lines.push(...quoteSummary(about));
  return cutUtf8(lines.join("\n\n"), OUTGOING_BYTES_MAX);
}

function headline(
  run: Run,
  ending: Ending,
  commits: number,
  pullRequest: OpenedPullRequest | undefined,
): string {
  const what = `Run ${run.id}`;
  if (pullRequest !== undefined && pullRequest.state !== "open") {
    return `${what} pushed to a branch whose pull request was ${pullRequest.state} already, and no other is opened: ${pullRequest.url}`;
  }
  if (run.branch_run_id !== null && ending.status === "succeeded" && pullRequest !== undefined) {
    return `${what} pushed to the pull request, which now has ${count(commits)}: ${pullRequest.url}`;
  }
  if (run.branch_run_id !== null && ending.reason === "no_changes")
    return `${what} ended without further changes to its pull request.`;
  if (ending.status === "succeeded" && pullRequest !== undefined) {
    return `${what} opened a draft pull request with ${count(commits)}: ${pullRequest.url}`;
  }
  if (ending.reason === "no_changes")
    return `${what} ended without changes: there is no branch and no pull request.`;
  if (ending.reason === "budget") return `${what} waits because a budget is used up.`;
  if (ending.status === "waiting") return `${what} has a question and waits for a reply on this item.`;
  if (ending.status === "canceled") return `${what} was canceled.`;
  return `${what} failed (${ending.reason}).${pullRequest === undefined ? "" : ` Its ${count(commits)} can be seen in ${pullRequest.url}`}`;
}

function count(commits: number): string {
  return commits === 1 ? "1 commit" : `${commits} commits`;
}
