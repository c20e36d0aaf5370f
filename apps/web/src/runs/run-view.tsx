import { useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import { allows, type Role } from "@windshift/contract/api/workspace.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { TabSet } from "../parts/tab-set.tsx";
import { RunActions } from "./run-actions.tsx";
import { RunAttempts } from "./run-attempts.tsx";
import { RunChanges } from "./run-changes.tsx";
import { RunComposer } from "./run-composer.tsx";
import { RunFacts } from "./run-facts.tsx";
import { RunHead } from "./run-head.tsx";
import { RunPrompt } from "./run-prompt.tsx";
import { refreshRun, runQuery, storeRun } from "./run-queries.ts";
import { RunSkills } from "./run-skills.tsx";
import { RunState } from "./run-state.tsx";
import { RunUsage } from "./run-usage.tsx";
import type { ShownEvent } from "./transcript/shown-event.ts";
import { Transcript } from "./transcript/transcript.tsx";

/** All of one run: where it is or how it ended, what can be done about it, and its transcript. */
export function RunView({ runId, role, alone = false }: { runId: number; role: Role; alone?: boolean }) {
  const client = useQueryClient();
  const run = useSuspenseQuery(runQuery(runId)).data;
  const mayRun = allows(role, "member");
  const live = !isTerminal(run.status);
  const onEvents = (events: readonly ShownEvent[]) => {
    // A receipt is no change of the run, but one of its messages.
    if (events.some(({ data }) => data.note === "received")) void refreshRun(client, run);
  };
  return (
    <article className="run" id={`run-${run.id}`} data-run={run.id} data-status={run.status}>
      <header className="run-top">
        <RunHead run={run} alone={alone} />
        {mayRun && <RunActions run={run} />}
      </header>
      <RunState run={run} mayRun={mayRun} />
      <RunUsage run={run} isAdmin={role === "admin"} />
      <RunFacts run={run} />
      <TabSet
        className="run-tabs"
        tabs={[
          {
            name: "transcript",
            text: "Transcript",
            panel: () => <Transcript run={run} onRun={(now) => storeRun(client, now)} onEvents={onEvents} />,
          },
          {
            name: "changes",
            text: `Changes${countText(changeCount(run))}`,
            panel: () => <RunChanges run={run} />,
          },
          {
            name: "attempts",
            text: `Attempts${countText(run.attempts.length)}`,
            panel: () => <RunAttempts run={run} />,
          },
          { name: "prompt", text: "Prompt", panel: () => <RunPrompt run={run} /> },
          ...(run.skills.length === 0
            ? []
            : [
                {
                  name: "skills",
                  text: `Skills${countText(run.skills.length)}`,
                  panel: () => <RunSkills skills={run.skills} />,
                },
              ]),
        ]}
      />
      <RunComposer run={run} mayWrite={mayRun && live} />
    </article>
  );
}

function changeCount({ files_changed, files_more }: AgentRunDetail): number {
  return (files_changed?.length ?? 0) + files_more;
}

function countText(count: number): string {
  return count === 0 ? "" : ` (${count})`;
}
