import { Oid } from "@windshift/contract/ids.ts";
import { EXPORT_COMMITS_MAX, PUSH_MS_MAX } from "@windshift/contract/limits.ts";
import { type AgentHeads, exportFailed, type Push } from "./clean-repository.ts";
import { type Failed, gitComplaint } from "./git-failure.ts";
import { hostGit } from "./host-git.ts";
import type { TriageContext } from "./triage-context.ts";

export type Chosen = { kind: "chosen"; oid: Oid; commits: number; flattened: boolean };
export type Choice = Chosen | { kind: "no_changes" } | Failed;
type NewCommits = { kind: "new"; tip: Oid; count: number } | { kind: "none" } | Failed;

/** Commits in place of a rewritten history carry this author. Source: INTERFACES section 5. */
const AGENT = { NAME: "windshift-agent", EMAIL: "agent@windshift.local" } as const;
const AGENT_ENV = Object.fromEntries(
  ["AUTHOR", "COMMITTER"].flatMap((role) =>
    Object.entries(AGENT).map(([key, value]) => [`GIT_${role}_${key}`, value]),
  ),
);

/**
 * Picks what the run delivers: `HEAD` when it is ahead of the base, else the run's branch, else nothing. A pick that does
 * not stand on the base is replaced by one commit of its files on the base.
 */
export async function chooseCommit(
  context: TriageContext,
  request: Push,
  heads: AgentHeads,
): Promise<Choice> {
  for (const oid of [heads.head, heads.branch]) {
    if (oid === undefined) continue;
    const [ahead, stands] = await Promise.all([
      newCommits(context, request, oid),
      standsOnBase(context, request, oid),
    ]);
    if (ahead.kind === "failed") return ahead;
    if (ahead.kind === "none") continue;
    if (typeof stands !== "boolean") return stands;
    if (!stands) return flatten(context, request, ahead.tip);
    if (ahead.count > EXPORT_COMMITS_MAX) return exportFailed(`they are more than ${EXPORT_COMMITS_MAX}`);
    return { kind: "chosen", oid: ahead.tip, commits: ahead.count, flattened: false };
  }
  return { kind: "no_changes" };
}

async function newCommits(context: TriageContext, request: Push, oid: Oid): Promise<NewCommits> {
  const listed = await ask(context, request, [
    "rev-list",
    "--topo-order",
    `--max-count=${EXPORT_COMMITS_MAX + 1}`,
    oid,
    "--not",
    request.base_oid,
    "--",
  ]);
  if (listed.exitCode !== 0) return exportFailed(gitComplaint(listed, request.token));
  const oids = listed.stdout.split("\n").filter((line) => line !== "");
  const [tip] = oids;
  return tip === undefined ? { kind: "none" } : { kind: "new", tip: Oid.parse(tip), count: oids.length };
}

async function standsOnBase(context: TriageContext, request: Push, oid: Oid): Promise<boolean | Failed> {
  const asked = await ask(context, request, ["merge-base", "--is-ancestor", request.base_oid, oid]);
  // Any other code is git failing to find out; taken for a no, it would flatten a good history.
  if (asked.exitCode === 0 || asked.exitCode === 1) return asked.exitCode === 0;
  return exportFailed(gitComplaint(asked, request.token));
}

async function flatten(context: TriageContext, request: Push, oid: Oid): Promise<Choice> {
  const trees = await ask(context, request, ["rev-parse", `${oid}^{tree}`, `${request.base_oid}^{tree}`]);
  const [tree, baseTree] = trees.stdout.trim().split("\n");
  if (tree === baseTree) return { kind: "no_changes" };
  const made = await ask(
    context,
    request,
    ["commit-tree", "-p", request.base_oid, "-F", "-", `${oid}^{tree}`],
    request.message,
  );
  if (made.exitCode !== 0) return exportFailed(gitComplaint(made, request.token));
  return { kind: "chosen", oid: Oid.parse(made.stdout.trim()), commits: 1, flattened: true };
}

function ask(context: TriageContext, request: Push, args: string[], stdin?: string) {
  return hostGit(context, args, {
    cwd: request.clean_dir,
    timeoutMs: PUSH_MS_MAX,
    extraEnv: AGENT_ENV,
    ...(stdin === undefined ? {} : { stdin }),
  });
}
