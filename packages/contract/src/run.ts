import { z } from "zod";

/** `waiting` needs a person and holds no machine. Source: DESIGN section 3. */
export const RunStatus = z.enum([
  "queued",
  "running",
  "waiting",
  "succeeded",
  "failed",
  "canceled",
  "killed",
]);
export type RunStatus = z.infer<typeof RunStatus>;
export const TERMINAL_STATUSES = ["succeeded", "failed", "canceled", "killed"] as const satisfies RunStatus[];
/** Whether a run has ended for good; `waiting` has not. */
export function isTerminal(status: RunStatus): boolean {
  return (TERMINAL_STATUSES as readonly RunStatus[]).includes(status);
}

/** Where a running run is. The server moves to `publishing`; the others are told by the runner. */
export const RunPhase = z.enum(["claimed", "preparing", "agent", "exporting", "pushing", "publishing"]);
export type RunPhase = z.infer<typeof RunPhase>;

/** Why a run ended. `detail` on the run carries the sentence for a person. */
export const RunReason = z.enum([
  "completed", // commits pushed, pull request opened
  "no_changes", // the agent finished and left nothing to push
  "blocked", // the agent said it cannot go on
  "needs_info", // the agent asked a question
  "no_finish", // the agent ended without saying how
  "agent_failed", // the agent ended with an error or a bad exit code
  "api_unreachable", // the container could not reach the server
  "timed_out", // the wall clock limit of the run
  "oom", // the memory limit of the container
  "disk", // the run's files outgrew what its host gives them
  "budget", // a budget of the run, its binding or its workspace is used up
  "canceled", // a person asked for it
  "image", // the agent image is missing, cannot be pulled or is not an agent image
  "network", // the container network is missing
  "engine", // the container engine cannot be reached or refused
  "worktree", // the worktree folder cannot be used
  "prepare_failed", // the repository could not be fetched or checked out
  "export_failed", // the commits could not be taken out
  "push_rejected", // the broker or the forge refused the branch
  "publish_failed", // the pull request could not be opened
  "attempts_exhausted", // the lease was lost too often
  "misconfigured", // the binding, connection or repository cannot be used
  "internal", // our fault; the server log has the cause
]);
export type RunReason = z.infer<typeof RunReason>;

export const TriggerKind = z.enum(["assignee", "mention", "rerun", "test", "pr_comment"]);
export type TriggerKind = z.infer<typeof TriggerKind>;

/** How the agent said its work ended. Source: INTERFACES section 3. */
export const AgentOutcome = z.enum(["completed", "blocked", "needs_info"]);
export type AgentOutcome = z.infer<typeof AgentOutcome>;

/** How the agent was confined. `unsandboxed` is for trusted work and development and is shown as unsafe. */
export const Isolation = z.enum(["container", "unsandboxed"]);
export type Isolation = z.infer<typeof Isolation>;
