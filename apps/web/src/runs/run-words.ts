import type { RunFlag } from "@windshift/contract/api/run.ts";
import type { RunPhase, RunStatus, TriggerKind } from "@windshift/contract/run.ts";

export const STATUS_TEXT: Record<RunStatus, string> = {
  queued: "Queued",
  running: "Running",
  waiting: "Waiting for you",
  succeeded: "Succeeded",
  failed: "Failed",
  canceled: "Canceled",
  killed: "Killed",
};

export const PHASE_TEXT: Record<RunPhase, string> = {
  claimed: "Claimed by a runner",
  preparing: "Preparing the checkout",
  agent: "The agent is working",
  exporting: "Taking the commits out",
  pushing: "Pushing the branch",
  publishing: "Opening the pull request",
};

/** A phase as a column of a table names it. */
export const PHASE_NAME: Record<RunPhase, string> = {
  claimed: "Claimed",
  preparing: "Checkout",
  agent: "Agent",
  exporting: "Export",
  pushing: "Push",
  publishing: "Pull request",
};

export const TRIGGER_TEXT: Record<TriggerKind, string> = {
  assignee: "assigned",
  mention: "mentioned",
  rerun: "run again",
  test: "tested",
  pr_comment: "asked on the pull request",
};

/** What a person should know before they trust the result. */
export const FLAG_TEXT: Record<RunFlag, string> = {
  hidden_text:
    "The texts of this item hold characters that people do not see. What the agent was told shows them.",
  prompt_cut:
    "The item did not fit into what the agent was told. What was left out stands beside the prompt.",
  review: "The commits touch something to look at with care; the transcript says what.",
};
