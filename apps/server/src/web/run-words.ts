import type { RunPhase, TriggerKind } from "@windshift/contract/run.ts";

export const PHASE_TEXT: Record<RunPhase, string> = {
  claimed: "Claimed by a runner",
  preparing: "Preparing the checkout",
  agent: "The agent is working",
  exporting: "Taking the commits out",
  pushing: "Pushing the branch",
  publishing: "Opening the pull request",
};

export const TRIGGER_TEXT: Record<TriggerKind, string> = {
  assignee: "assigned",
  mention: "mentioned",
  rerun: "run again",
  test: "tested",
  pr_comment: "asked on the pull request",
};
