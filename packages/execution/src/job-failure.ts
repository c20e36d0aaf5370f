import { formatDuration } from "@windshift/base/duration.ts";
import { truncateBytes } from "@windshift/base/truncate.ts";
import { AGENT_EXIT } from "@windshift/contract/agent-exit.ts";
import type { RunReason } from "@windshift/contract/run.ts";
import type { AgentEnd } from "./agent-session.ts";
import type { SandboxExit } from "./sandbox.ts";

/** Why an attempt ended early; `detail` is the sentence a person reads. */
export interface JobFailure {
  reason: RunReason;
  detail: string;
}

/** Longest failure text, bytes; the contract takes 8,192 characters. */
const DETAIL_BYTES_MAX = 8_000;

/** @param detail a sentence for people, cut to 8,000 bytes */
export function failure(reason: RunReason, detail: string): JobFailure {
  return { reason, detail: truncateBytes(detail, DETAIL_BYTES_MAX) };
}

/** Why the agent's part counts as failed, or null when it ended as it should. */
export function agentFailure(end: AgentEnd, wallClockMs: number): JobFailure | null {
  if (end.timedOut)
    return failure(
      "timed_out",
      `the run reached its time limit of ${formatDuration(wallClockMs)} and was ended`,
    );
  switch (end.exit.kind) {
    case "not_started":
      return failure(end.exit.reason, end.exit.detail);
    case "oom":
      return failure(
        "oom",
        "the agent's container reached its memory limit and was ended; raise CODING_AGENT_MEMORY (server) or WSRUNNER_MEMORY (runner)",
      );
    case "lost":
      return failure("engine", end.exit.detail);
    case "killed":
      return end.idle && end.finish !== null
        ? null
        : failure("agent_failed", said("the agent was killed", end));
    case "exited":
      return exitFailure(end.exit.exitCode, end);
  }
}

/** The agent is gone and its checkout can be read: what it committed can be taken out, whatever the failure. */
export function canExport(exit: SandboxExit): boolean {
  return exit.kind === "lost" ? exit.gone : exit.kind !== "not_started";
}

/** Null where the agent did not end by itself: killed, out of memory, lost, never started. */
export function exitCodeOf(exit: SandboxExit): number | null {
  return exit.kind === "exited" ? exit.exitCode : null;
}

function exitFailure(exitCode: number, end: AgentEnd): JobFailure | null {
  switch (exitCode) {
    case AGENT_EXIT.ok:
      return end.finish === null ? noFinish(end) : null;
    case AGENT_EXIT.failed:
      if (end.errorCode === "no_finish") return noFinish(end);
      return end.errorCode === "budget_exhausted" ? budgetUsedUp(end) : failedWith(exitCode, end);
    case AGENT_EXIT.apiUnreachable:
      return failure("api_unreachable", said(API_UNREACHABLE, end));
    case 127:
      return failure("image", said("the image has no windshift-agent program", end));
    default:
      return failedWith(exitCode, end);
  }
}

function noFinish(end: AgentEnd): JobFailure {
  return failure("no_finish", said("the agent ended without saying how its work ended", end));
}

/** The server decides which budget it was; the broker told it when it refused the call. */
function budgetUsedUp(end: AgentEnd): JobFailure {
  return failure("budget", said("a budget is used up", end));
}

function failedWith(exitCode: number, end: AgentEnd): JobFailure {
  return failure("agent_failed", said(`the agent ended with exit code ${exitCode}`, end));
}

const API_UNREACHABLE =
  "the agent's container cannot reach Windshift. Set CODING_AGENT_WS_API_URL to an address that works from a container " +
  "(agents on the server's host), or check WS_API_URL and outbound HTTPS (runner hosts); the container network must let it " +
  "through. localhost inside a container is the container itself, not the Windshift server";

function said(what: string, end: AgentEnd): string {
  return end.lastWords === "" ? what : `${what}. It last said: ${end.lastWords}`;
}
