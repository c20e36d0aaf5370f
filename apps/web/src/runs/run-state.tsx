import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import { Markdown } from "../parts/markdown.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { PublishAgain } from "./publish-again.tsx";
import { PullRequestLine } from "./pull-request-line.tsx";
import { RunQuestion } from "./run-question.tsx";
import { FLAG_TEXT, PHASE_TEXT } from "./run-words.ts";

/** Where the run is, or why it ended, and what it has to say. */
export function RunState({ run, mayRun }: { run: AgentRunDetail; mayRun: boolean }) {
  const asks = run.status === "waiting" && run.reason === "needs_info";
  return (
    <div className="run-state">
      <div role="status" className="run-now">
        {run.status === "running" && run.phase !== null && (
          <p className="run-phase">
            <span className="run-pulse" aria-hidden />
            {PHASE_TEXT[run.phase]}
          </p>
        )}
        <Sentence run={run} />
      </div>
      {run.isolation === "unsandboxed" && (
        <p className="run-callout run-callout-bad">
          The agent ran as a plain process with the rights of the server itself. Use this for trusted work
          only.
        </p>
      )}
      {run.flags.map((flag) => (
        <p key={flag} className="run-callout run-callout-wait">
          {FLAG_TEXT[flag]}
        </p>
      ))}
      {asks && <RunQuestion run={run} mayAnswer={mayRun} />}
      {run.plan !== null && run.plan !== "" && (
        <details className="run-plan" open={run.status === "running"}>
          <summary>Plan</summary>
          <Markdown text={visibleText(run.plan)} />
        </details>
      )}
      {!asks && run.summary !== null && run.summary !== "" && (
        <section className="run-summary" aria-label="Summary">
          <Markdown text={visibleText(run.summary)} />
        </section>
      )}
      {run.pull_request !== null && <PullRequestLine pull={run.pull_request} />}
      {mayRun && run.can_publish_again && <PublishAgain run={run} />}
    </div>
  );
}

/** What happened and what to do, as the server says it; for a queued run why it waits and for how many. */
function Sentence({ run }: { run: AgentRunDetail }) {
  const { queued_because: queued } = run;
  const text = queued?.text ?? run.detail ?? reasonText(run);
  if (text === "") return null;
  return (
    <p className={`run-callout run-callout-${toneOf(run)}`} data-sentence>
      {visibleText(text)}
      {queued !== null && queued.ahead > 0 && (
        <span className="run-quiet">
          {" "}
          {queued.ahead === 1 ? "1 run is" : `${queued.ahead} runs are`} before it in the queue.
        </span>
      )}
    </p>
  );
}

/** Nothing where the state, the summary or the question says it. */
function reasonText({ reason }: AgentRunDetail): string {
  return reason === null || reason === "completed" || reason === "needs_info"
    ? ""
    : reason.replaceAll("_", " ");
}

function toneOf({ status }: AgentRunDetail): "bad" | "wait" | "plain" {
  if (status === "failed" || status === "killed") return "bad";
  return status === "waiting" || status === "queued" ? "wait" : "plain";
}
