import { readdirSync } from "node:fs";
import type { ApiClient } from "@windshift/api-client/api-client.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { ModelScript } from "@windshift/testing/model-script.ts";
import type { ScriptedModel } from "@windshift/testing/scripted-model.ts";
import type { BuiltWorkspace } from "@windshift/testing/workspace-builder.ts";
import type { BenchServer } from "./bench-server.ts";

/** The shortest real work: one commit, then the end. */
export const ONE_COMMIT: ModelScript = [
  {
    tool_calls: [
      {
        name: "bash",
        args: {
          command: "echo done > result.txt && git add --all && git commit --quiet --message 'Add result'",
        },
      },
    ],
  },
  { tool_calls: [{ name: "finish", args: { outcome: "completed", summary: "Added result.txt." } }] },
];

/** The times of one run, ms. */
export interface RunTimes {
  /** From sending the assignment to the model's first request. */
  toFirstRequestMs: number;
  /** From the request that the model answers with `finish` to the pull request being on the item. */
  finishToPullRequestMs: number;
}

/** A run of seconds; ten times that on a machine that is busy otherwise. */
const RUN_MS_MAX = 60_000;
/** Between two looks for the pull request, ms. */
const LOOK_MS = 5;

/** Assigns a fresh work item to the agent and follows the run to its end. All times are of this process's clock. */
export async function timeAssignedRun(
  { api, worktreeRoot }: BenchServer,
  workspace: BuiltWorkspace,
  model: ScriptedModel,
): Promise<RunTimes> {
  const before = model.requests.length;
  const item = await workspace.createItem({ title: "Add a result", description: "Add result.txt." }, false);
  const assignedMs = Date.now();
  await workspace.assign(item.key);
  const finish = await eventually(
    "the model is asked for its last turn",
    () => model.requests[before + ONE_COMMIT.length - 1],
    RUN_MS_MAX,
  );
  const visibleMs = await waitForPullRequest(api, item.key);
  await waitForEnd(api, item.key);
  // The next sample must not share the machine with this run's tidying up; its folder goes last.
  await eventually("the run's folder is removed", () => leftovers(worktreeRoot).length === 0, RUN_MS_MAX);
  const first = model.requests[before];
  if (first === undefined) throw new Error("the model was not asked");
  return { toFirstRequestMs: first.atMs - assignedMs, finishToPullRequestMs: visibleMs - finish.atMs };
}

async function waitForPullRequest(api: ApiClient, itemKey: string): Promise<number> {
  const deadlineMs = Date.now() + RUN_MS_MAX;
  while (Date.now() < deadlineMs) {
    const { links } = await api.get(`/api/v1/items/${itemKey}`, WorkItemDetail);
    if (links.some((link) => link.kind === "pull_request")) return Date.now();
    await Bun.sleep(LOOK_MS);
  }
  throw new Error(`${itemKey} has no pull request after ${RUN_MS_MAX / 1_000} s`);
}

function leftovers(worktreeRoot: string): string[] {
  return readdirSync(worktreeRoot).filter((name) => name.startsWith("run-"));
}

async function waitForEnd(api: ApiClient, itemKey: string): Promise<void> {
  const { runs } = await api.get(`/api/v1/items/${itemKey}/agent-runs`, AgentRunList);
  const [run] = runs;
  if (run === undefined) throw new Error(`${itemKey} has no run`);
  await eventually(
    "the run ends",
    async () => {
      const now = await api.get(`/api/v1/agent-runs/${run.id}`, AgentRunDetail);
      if (isTerminal(now.status) && now.status !== "succeeded")
        throw new Error(`the run ended as ${now.status}: ${now.reason}: ${now.detail}`);
      return now.status === "succeeded";
    },
    RUN_MS_MAX,
  );
}
