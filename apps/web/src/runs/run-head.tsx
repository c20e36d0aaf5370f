import type { AgentRun } from "@windshift/contract/api/run.ts";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { PlainLink } from "../tracker/plain-link.tsx";
import { IsolationBadge, RunBadge } from "./run-badge.tsx";
import { TRIGGER_TEXT } from "./run-words.ts";

/** Which run this is, how it is, and who wanted it. @param props.alone on the run's own page, whose heading names it */
export function RunHead({ run, alone }: { run: AgentRun; alone: boolean }) {
  const Heading = alone ? "h2" : "h3";
  return (
    <div>
      <Heading className="run-title">
        {!alone && <PlainLink to={paths.run(run.item_key, run.id)}>Run {run.id}</PlainLink>}
        <RunBadge status={run.status} />
        <IsolationBadge isolation={run.isolation} />
        {run.trigger === "test" && <span className="run-badge">Test, nothing is pushed</span>}
      </Heading>
      <p className="run-quiet">
        {visibleText(run.agent.name)} · {TRIGGER_TEXT[run.trigger]} by {visibleText(run.requested_by.name)} ·{" "}
        <TimeText at={run.created_at} />
        {run.attempt > 1 && ` · attempt ${run.attempt}`}
        {run.model !== null && ` · ${visibleText(run.model)}`}
      </p>
    </div>
  );
}
