/** @jsxImportSource hono/jsx */
import type { RunnerState } from "@windshift/contract/api/pool.ts";
import type { PullRequest } from "@windshift/contract/api/pull-request.ts";
import type { UserRef } from "@windshift/contract/api/user.ts";
import type { WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import type { RunStatus } from "@windshift/contract/run.ts";

type Tone = "idle" | "busy" | "wait" | "good" | "bad" | "merged";

/** A state in a word and a color; the word alone is enough. */
function Badge({ tone, text }: { tone: Tone; text: string }) {
  return (
    <span class={`badge ${tone}`}>
      <span class="dot" aria-hidden="true"></span>
      {text}
    </span>
  );
}

const RUN: Record<RunStatus, [Tone, string]> = {
  queued: ["idle", "Queued"],
  running: ["busy", "Running"],
  waiting: ["wait", "Waiting for you"],
  succeeded: ["good", "Succeeded"],
  failed: ["bad", "Failed"],
  canceled: ["idle", "Canceled"],
  killed: ["bad", "Killed"],
};
export function RunBadge({ status }: { status: RunStatus }) {
  const [tone, text] = RUN[status];
  return <Badge tone={tone} text={text} />;
}

export const ITEM_STATUS_TEXT: Record<WorkItemStatus, string> = {
  todo: "To do",
  in_progress: "In progress",
  in_review: "In review",
  done: "Done",
  canceled: "Canceled",
};
const ITEM_TONE: Record<WorkItemStatus, Tone> = {
  todo: "idle",
  in_progress: "busy",
  in_review: "wait",
  done: "good",
  canceled: "idle",
};
export function ItemBadge({ status }: { status: WorkItemStatus }) {
  return <Badge tone={ITEM_TONE[status]} text={ITEM_STATUS_TEXT[status]} />;
}

export function PullRequestBadge({ state, draft }: Pick<PullRequest, "state" | "draft">) {
  if (state === "merged") return <Badge tone="merged" text="Merged" />;
  if (state === "closed") return <Badge tone="bad" text="Closed" />;
  return draft ? <Badge tone="idle" text="Draft" /> : <Badge tone="good" text="Open" />;
}

const RUNNER: Record<RunnerState, [Tone, string]> = {
  live: ["good", "Live"],
  stale: ["bad", "Stale"],
  draining: ["wait", "Draining"],
  revoked: ["idle", "Revoked"],
};
export function RunnerBadge({ state }: { state: RunnerState }) {
  const [tone, text] = RUNNER[state];
  return <Badge tone={tone} text={text} />;
}

/** How the last try of a connection went. */
export function ConnectionBadge({ tried, problem }: { tried: boolean; problem: boolean }) {
  if (problem) return <Badge tone="bad" text="Problem" />;
  return tried ? <Badge tone="good" text="Works" /> : <Badge tone="idle" text="Not tested" />;
}

/** A name, and whether it is an agent's. */
export function UserName({ user }: { user: Pick<UserRef, "name" | "kind"> }) {
  return (
    <span class="user">
      <span class={`avatar ${user.kind}`} aria-hidden="true">
        {initials(user.name)}
      </span>
      <span class="user-name">{user.name}</span>
      {user.kind === "agent" && <span class="tag">agent</span>}
    </span>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters
    .map((word) => [...(word ?? "")][0] ?? "")
    .join("")
    .toUpperCase();
}
