import type { AgentRun } from "@windshift/contract/api/run.ts";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { RunBadge } from "./run-badge.tsx";
import { TRIGGER_TEXT } from "./run-words.ts";

/** A run in a line. */
export function RunLine({ run }: { run: AgentRun }) {
  return (
    <span className="run-line-parts">
      <strong>Run {run.id}</strong>
      <RunBadge status={run.status} />
      <span className="run-quiet">
        {visibleText(run.agent.name)} · {TRIGGER_TEXT[run.trigger]} by {visibleText(run.requested_by.name)} ·{" "}
        <TimeText at={run.created_at} />
      </span>
    </span>
  );
}
