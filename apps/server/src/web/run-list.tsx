/** @jsxImportSource hono/jsx */
import type { AgentRun, AgentRunUsage } from "@windshift/contract/api/run.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { PullRequestBadge, RunBadge } from "./badge.tsx";
import { FormError } from "./form-field.tsx";
import { BudgetLink, RaiseForm, RunUsage } from "./run-usage.tsx";
import { PHASE_TEXT, TRIGGER_TEXT } from "./run-words.ts";
import { Time } from "./time-text.tsx";

/** The item's runs, newest first; the newest one is open and its transcript live. */
export function Runs(props: {
  runs: readonly AgentRun[];
  /** Of some of the runs, by id. */
  usage: ReadonlyMap<number, AgentRunUsage>;
  itemKey: string;
  mayChange: boolean;
  isAdmin: boolean;
}) {
  const newest = props.runs[0];
  return (
    <section aria-labelledby="runs-title">
      <div class="section-head">
        <h2 id="runs-title">Agent runs</h2>
        <div id="runs-actions" data-refresh>
          {props.mayChange && newest && isTerminal(newest.status) && <RunAgain itemKey={props.itemKey} />}
        </div>
      </div>
      <div id="runs" data-refresh data-keep="[data-transcript]">
        {newest === undefined && <p class="empty">No runs yet. Assign the item to an agent to start one.</p>}
        {props.runs.map((run) => (
          <RunCard
            run={run}
            usage={props.usage.get(run.id)}
            open={run === newest}
            mayChange={props.mayChange}
            isAdmin={props.isAdmin}
          />
        ))}
      </div>
    </section>
  );
}

function RunAgain({ itemKey }: { itemKey: string }) {
  return (
    <form method="post" data-api={`/api/v1/items/${itemKey}/agent-runs`} data-then="refresh">
      <FormError />
      <button type="submit">Run again</button>
    </form>
  );
}

function RunCard(props: {
  run: AgentRun;
  usage: AgentRunUsage | undefined;
  open: boolean;
  mayChange: boolean;
  isAdmin: boolean;
}) {
  const { run, usage, open, mayChange, isAdmin } = props;
  return (
    <article
      class="card run"
      id={`run-${run.id}`}
      data-run={run.id}
      data-live={isTerminal(run.status) ? undefined : ""}
      data-state={stateOf(run)}
    >
      <header class="run-head">
        <div>
          <h3>
            Run {run.id} <RunBadge status={run.status} />
            {run.isolation === "unsandboxed" && <span class="badge bad">Unsafe: not sandboxed</span>}
          </h3>
          <p class="muted small">
            {run.agent.name} · {TRIGGER_TEXT[run.trigger]} by {run.requested_by.name} ·{" "}
            <Time at={run.created_at} />
            {run.attempt > 1 && ` · attempt ${run.attempt}`}
            {run.model !== null && ` · ${run.model}`}
          </p>
        </div>
        {mayChange && !isTerminal(run.status) && <CancelForm run={run} />}
      </header>
      <RunState run={run} />
      {run.pull_request && <PullRequestLine pull={run.pull_request} />}
      {mayChange && run.can_publish_again && <PublishForm run={run} />}
      {usage && isAdmin && <RaiseForm run={run} usage={usage} />}
      {usage && isAdmin && <BudgetLink run={run} usage={usage} />}
      {usage && <RunUsage usage={usage} />}
      <details class="transcript" open={open} data-transcript={run.id} id={`transcript-${run.id}`}>
        <summary>Transcript</summary>
        <p class="transcript-note muted small" data-note>
          Loading…
        </p>
        <ol class="entries" data-entries tabindex={0} aria-label={`Transcript of run ${run.id}`}></ol>
      </details>
    </article>
  );
}

/** Where the run is, or why it ended, in a sentence. */
function RunState({ run }: { run: AgentRun }) {
  const sentence = run.queued_because?.text ?? run.detail ?? run.reason?.replaceAll("_", " ") ?? "";
  return (
    <>
      {run.status === "running" && run.phase !== null && <p class="run-phase">{PHASE_TEXT[run.phase]}</p>}
      {run.isolation === "unsandboxed" && (
        <p class="callout bad">
          The agent ran as a plain process with the rights of the server itself. Use this for trusted work
          only.
        </p>
      )}
      {sentence !== "" && <p class={`callout ${toneOf(run)}`}>{sentence}</p>}
      {run.summary !== null && run.summary !== "" && <pre class="prose summary">{run.summary}</pre>}
    </>
  );
}

/** On a forge it is decided there; here stands what was last read, and why that may be old. */
function PullRequestLine({ pull }: { pull: NonNullable<AgentRun["pull_request"]> }) {
  const href = pull.url ?? `/pull-requests/${pull.id}`;
  return (
    <div class="pull-line">
      <PullRequestBadge state={pull.state} draft={pull.draft} />
      {/^(?:https?:\/\/|\/)/i.test(href) ? (
        <a href={href} rel="noopener noreferrer">
          Pull request #{pull.number}
        </a>
      ) : (
        <span>Pull request #{pull.number}</span>
      )}
      <SyncProblem pull={pull} />
    </div>
  );
}

/** Why the state that is shown of a pull request may be old; nothing when it was read. */
export function SyncProblem({ pull }: { pull: AgentRun["pull_request"] }) {
  if (pull === null || pull.sync_problem === null) return null;
  return (
    <span class="sync-problem small">
      Its state could not be read from the forge and may have changed: {pull.sync_problem}
    </span>
  );
}

function PublishForm({ run }: { run: AgentRun }) {
  return (
    <form method="post" data-api={`/api/v1/agent-runs/${run.id}/publish`} data-then="refresh">
      <FormError />
      <button type="submit">Create again</button>
      <p class="hint">The agent's work is done; only the pull request is tried again.</p>
    </form>
  );
}

function toneOf(run: AgentRun): string {
  if (run.status === "failed" || run.status === "killed") return "bad";
  return run.status === "waiting" || run.status === "queued" ? "wait" : "plain";
}

function CancelForm({ run }: { run: AgentRun }) {
  return (
    <form method="post" data-api={`/api/v1/agent-runs/${run.id}/cancel`} data-then="refresh">
      <FormError />
      <input type="hidden" name="force" value={String(run.cancel_requested)} data-type="boolean" />
      <button type="submit" class="danger">
        {run.cancel_requested ? "Stop at once" : "Cancel run"}
      </button>
      {run.cancel_requested && <p class="hint">The agent was asked to stop.</p>}
    </form>
  );
}

/** What the card shows, in short; the script compares it with what the stream says. Same fields as in transcript.js. */
function stateOf(run: AgentRun): string {
  return [
    run.status,
    run.phase,
    run.attempt,
    run.cancel_requested,
    run.pull_request?.state,
    run.pull_request?.sync_problem,
    run.queued_because?.text,
    run.detail,
  ].join("|");
}
