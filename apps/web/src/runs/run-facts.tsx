import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import type { ReactNode } from "react";
import { durationText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";

/** Branches, commit and times of a run, in a line. */
export function RunFacts({ run }: { run: AgentRunDetail }) {
  const { branch, base_branch, head_oid, started_at, ended_at } = run;
  const until = ended_at === null ? Date.now() : Date.parse(ended_at);
  return (
    <dl className="run-facts">
      <Fact name="Branch">
        <code>{visibleText(branch)}</code>
        {base_branch !== null && (
          <>
            {" "}
            from <code>{visibleText(base_branch)}</code>
          </>
        )}
      </Fact>
      {head_oid !== null && (
        <Fact name="Commit">
          <code title={head_oid}>{head_oid.slice(0, 10)}</code>
        </Fact>
      )}
      {started_at !== null && (ended_at !== null || run.status === "running") && (
        <Fact name={ended_at === null ? "Running for" : "Took"}>
          {durationText(until - Date.parse(started_at))}
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
