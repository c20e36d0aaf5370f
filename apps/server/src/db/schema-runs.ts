import type { Generated } from "kysely";

/** Runs and what is written down of them. Migrations 001 to 007. */
export interface RunsSchema {
  /** The labels of `runs.labels`, one a row. */
  run_labels: { run_id: number; label: string };
  runs: RunTable;
  run_tokens: { token_hash: string; run_id: number; attempt: number; scope: string };
  run_events: RunEventTable;
  run_messages: RunMessageTable;
  run_steps: RunStepTable;
  run_usage: RunUsageTable;
}

interface RunTable {
  id: Generated<number>;
  workspace_id: number;
  work_item_id: number;
  agent_user_id: string;
  binding_id: number | null;
  pool_id: number;
  trigger_kind: string;
  requested_by: string;
  status: string;
  phase: string | null;
  reason: string | null;
  detail: string | null;
  attempt: Generated<number>;
  /** Attempts lost since the run was queued or resumed by a person. */
  interruptions: Generated<number>;
  /** What the runner has to be able to do, as a JSON list. */
  labels: Generated<string>;
  runner_id: number | null;
  /** The start of the runner that holds or held the live attempt; null for runners in a server. */
  runner_boot: Generated<string | null>;
  /** The claim that was answered with the live attempt. */
  claim_key: Generated<string | null>;
  /** Null unless a runner holds the run. */
  lease_expires_at_ms: number | null;
  cancel_requested_at_ms: number | null;
  cancel_requested_by: string | null;
  /** Grants as JSON, frozen when the run was queued. */
  grants: string;
  prompt: string;
  /** PromptNote as JSON, a list: what the assembly of the prompt did to what people wrote. */
  prompt_notes: Generated<string>;
  /** What the agent said last of what it is going to do. */
  plan: Generated<string | null>;
  isolation: string | null;
  base_oid: string | null;
  /** What the broker saw pushed by the live attempt. */
  pushed_oid: string | null;
  head_oid: string | null;
  summary: string | null;
  /** AttemptResult as JSON, from the runner's report. */
  result: string | null;
  publishing_until_ms: number | null;
  /** The run whose branch this one continues; null for its own. */
  branch_run_id: Generated<number | null>;
  /** What people added to the run's budget. */
  budget_tokens_added: Generated<number>;
  budget_cost_micros_added: Generated<number>;
  /** BudgetShort as JSON: the budget that refused the run's last call; null when none did. */
  budget_short: Generated<string | null>;
  /** Not claimed or published before this time: its forge asks to wait or does not answer. Null when nothing is waited for. */
  not_before_ms: Generated<number | null>;
  /** Since when its forge keeps it waiting. */
  forge_wait_since_ms: Generated<number | null>;
  /** What the host of its repository said when it refused git to the live attempt. */
  refusal: Generated<string | null>;
  /** `archived` or `deleted`; null while its events are in the database. */
  transcript_state: Generated<string | null>;
  created_at_ms: number;
  started_at_ms: number | null;
  ended_at_ms: number | null;
}

interface RunEventTable {
  id: Generated<number>;
  run_id: number;
  attempt: number;
  seq: number;
  type: string;
  at: string;
  data: string;
  stored_at_ms: number;
}

interface RunMessageTable {
  id: Generated<number>;
  run_id: number;
  author_id: string;
  /** `trigger` (a further trigger while the run was active) or `steer`. */
  kind: string;
  body: string;
  /** `queued`, `delivered` or `acknowledged`. */
  status: string;
  created_at_ms: number;
}

interface RunStepTable {
  run_id: number;
  step: string;
  /** `pending`, `done` or `failed`. */
  status: string;
  tries: number;
  detail: string | null;
  updated_at_ms: number;
}

interface RunUsageTable {
  id: Generated<number>;
  run_id: number;
  attempt: number;
  model: string;
  /** Null when the provider did not say: shown as unknown, never as zero. */
  input_tokens: number | null;
  output_tokens: number | null;
  cached_input_tokens: Generated<number | null>;
  connection_id: Generated<number | null>;
  /** Micro-dollars; null when the model has no price. */
  cost_micros: Generated<number | null>;
  /** 1 when tokens were estimated because the provider did not say. */
  estimated: Generated<number>;
  status: number;
  duration_ms: number;
  created_at_ms: number;
}
