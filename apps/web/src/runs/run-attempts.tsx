import { Text } from "@mantine/core";
import type { AgentRunDetail, RunAttempt } from "@windshift/contract/api/run.ts";
import { durationText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { PHASE_NAME } from "./run-words.ts";

const OUTCOME_TEXT: Record<NonNullable<RunAttempt["outcome"]>, string> = {
  succeeded: "Succeeded",
  failed: "Failed",
  waiting: "Waiting for a person",
  canceled: "Canceled",
  killed: "Killed",
  interrupted: "Interrupted; queued again",
};

/** Each lease of the run: where, how it ended, and how long each part took. */
export function RunAttempts({ run }: { run: AgentRunDetail }) {
  if (run.attempts.length === 0)
    return (
      <Text size="sm" c="dimmed">
        No runner has taken it yet.
      </Text>
    );
  return (
    <>
      {run.attempts.toReversed().map((attempt) => (
        <section key={attempt.attempt} className="run-attempt" aria-label={`Attempt ${attempt.attempt}`}>
          <p className="run-subhead">
            Attempt {attempt.attempt}
            <span className="run-quiet">
              {" "}
              on {attempt.runner === null ? "a runner that was removed" : visibleText(attempt.runner)} ·{" "}
              {attempt.outcome === null ? "goes on" : OUTCOME_TEXT[attempt.outcome]} ·{" "}
              {new Date(attempt.claimed_at).toLocaleString()}
            </span>
          </p>
          <Phases attempt={attempt} />
        </section>
      ))}
      <Steps run={run} />
    </>
  );
}

/** Bars from the claim to the end, in proportion to their time. */
function Phases({ attempt }: { attempt: RunAttempt }) {
  const fromMs = Date.parse(attempt.claimed_at);
  const untilMs = attempt.ended_at === null ? Date.now() : Date.parse(attempt.ended_at);
  const wholeMs = Math.max(1, untilMs - fromMs);
  return (
    <ul className="run-phases">
      {attempt.phases.map(({ phase, started_at, ended_at }) => {
        const startMs = Date.parse(started_at) - fromMs;
        const ms = (ended_at === null ? untilMs : Date.parse(ended_at)) - Date.parse(started_at);
        return (
          <li key={`${phase} ${started_at}`}>
            <span>{PHASE_NAME[phase]}</span>
            <span className="run-phase-track" aria-hidden>
              <span
                className="run-phase-bar"
                style={{
                  insetInlineStart: `${Math.min(99, (100 * startMs) / wholeMs)}%`,
                  width: `${Math.max(0.5, Math.min(100, (100 * ms) / wholeMs))}%`,
                }}
              />
            </span>
            <span className="run-phase-time" title={new Date(started_at).toLocaleString()}>
              {shortText(ms)}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function shortText(ms: number): string {
  return ms < 10_000 ? `${(Math.max(0, ms) / 1_000).toFixed(1)} s` : durationText(ms);
}

/** What the server does after the result. */
function Steps({ run }: { run: AgentRunDetail }) {
  if (run.steps.length === 0) return null;
  return (
    <table className="run-steps" aria-label="After the result">
      <thead>
        <tr>
          <th>Step</th>
          <th>State</th>
          <th>Tries</th>
          <th>What was said</th>
        </tr>
      </thead>
      <tbody>
        {run.steps.map(({ step, status, tries, detail }) => (
          <tr key={step}>
            <td>{visibleText(step).replaceAll("_", " ")}</td>
            <td>{status}</td>
            <td>{tries}</td>
            <td>{visibleText(detail ?? "")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
