import type { Generated, Insertable, Selectable } from "kysely";
import type { ArchivesSchema } from "./schema-archives.ts";
import type { PeopleSchema } from "./schema-people.ts";
import type { SkillsSchema } from "./schema-skills.ts";
import type { TrackerSchema } from "./schema-tracker.ts";

/**
 * The one schema, on both engines. Conventions: ids are integers (users: text), times are UTC milliseconds in
 * `*_at_ms`, truth values are 0 or 1, structured values are JSON text that a store parses with its schema.
 */
export interface Schema extends TrackerSchema, SkillsSchema, PeopleSchema, ArchivesSchema {
  // Tables of the sign-in library; column names are its own.
  user: UserTable;
  session: SessionTable;
  account: AccountTable;

  /** Facts of the installation that are written once, such as that it was set up. */
  settings: { key: string; value: string };

  workspaces: WorkspaceTable;
  memberships: { workspace_id: number; user_id: string; role: string; created_at_ms: number };
  work_items: WorkItemTable;
  comments: CommentTable;
  item_links: ItemLinkTable;
  connections: ConnectionTable;
  repositories: RepositoryTable;
  bindings: BindingTable;
  pools: PoolTable;
  /** Which workspaces may use a pool; no row for a pool means all. */
  pool_workspaces: { pool_id: number; workspace_id: number };
  registration_tokens: RegistrationTokenTable;
  runners: RunnerTable;
  runner_credentials: RunnerCredentialTable;
  /** Every start of a runner program that was heard of. */
  runner_boots: { runner_id: number; boot: string; first_seen_at_ms: number };
  /** The labels of `runs.labels`, one a row. */
  run_labels: { run_id: number; label: string };
  runs: RunTable;
  run_tokens: { token_hash: string; run_id: number; attempt: number; scope: string };
  run_events: RunEventTable;
  run_messages: RunMessageTable;
  run_steps: RunStepTable;
  run_usage: RunUsageTable;
  pull_requests: PullRequestTable;
  audit_log: AuditTable;
  budget_use: BudgetUseTable;
  budget_holds: BudgetHoldTable;
  models: ModelTable;
  /** Webhook deliveries that were taken in. */
  forge_deliveries: { connection_id: number; delivery: string; received_at_ms: number };
  forge_comments: ForgeCommentTable;
}

interface UserTable {
  id: string;
  name: string;
  email: string;
  emailVerified: boolean | number;
  image: string | null;
  createdAt: Date | string;
  updatedAt: Date | string;
  /** `person` or `agent`; an agent has no way to sign in. */
  kind: string;
  /** 1 for the administrators of the whole installation. */
  admin: number;
  /** Since when the person cannot sign in; null for all others. */
  disabled_at_ms: Generated<number | null>;
}

interface SessionTable {
  id: string;
  userId: string;
  createdAt: Date | string;
  expiresAt: Date | string;
  userAgent: string | null;
  ipAddress: string | null;
}

interface AccountTable {
  id: string;
  userId: string;
  /** `credential` for e-mail and password. */
  providerId: string;
  accountId: string;
  /** Salted scrypt hash. */
  password: string | null;
  createdAt: Date | string;
  updatedAt: Date | string;
}

interface WorkspaceTable {
  id: Generated<number>;
  key: string;
  name: string;
  last_item_number: Generated<number>;
  /** Budget of a calendar month (UTC) as JSON; `{}` for none. */
  budget: Generated<string>;
  created_at_ms: number;
}

interface WorkItemTable {
  id: Generated<number>;
  workspace_id: number;
  number: number;
  title: string;
  description: string;
  status: string;
  assignee_id: string | null;
  creator_id: string;
  /** 0 (none) to 4 (urgent). */
  priority: Generated<number>;
  /** The item it lies under, of the same workspace. */
  parent_id: Generated<number | null>;
  /** 0 for all to see; 1 for that of a private test run, in no list; 2 once it was deleted. */
  hidden: Generated<number>;
  /** When title or description were changed last. */
  text_changed_at_ms: Generated<number>;
  created_at_ms: number;
  /** Rises with every change, by 1 at least. */
  updated_at_ms: number;
}

interface CommentTable {
  id: Generated<number>;
  work_item_id: number;
  author_id: string;
  /** The run that wrote it, if one did. */
  run_id: number | null;
  /** Set on what the system writes once per run and purpose, so that a retry finds it. */
  dedupe_key: string | null;
  body: string;
  created_at_ms: number;
  edited_at_ms: Generated<number | null>;
}

interface ItemLinkTable {
  id: Generated<number>;
  work_item_id: number;
  kind: string;
  url: string;
  title: string;
  run_id: number | null;
  created_at_ms: number;
}

interface ConnectionTable {
  id: Generated<number>;
  workspace_id: number;
  /** `llm` or `git`. */
  kind: string;
  /** `openai_compatible`, `anthropic`; `local`, `github`, `forgejo`, `gitlab`. */
  provider: string;
  name: string;
  base_url: string;
  /** AES-256-GCM, see secrets/; null when there is no secret. */
  secret_sealed: string | null;
  /** First hex digits of the secret's SHA-256: tells two keys apart without showing either. */
  secret_fingerprint: string | null;
  context_window: number | null;
  /** What its provider needs beside address and secret, as JSON, such as the ids of a GitHub App. */
  settings: Generated<string>;
  webhook_secret_sealed: Generated<string | null>;
  /** Model calls at once; null for no limit. */
  concurrency_max: Generated<number | null>;
  /** When its credential was last tried, and what was wrong with it then. */
  checked_at_ms: Generated<number | null>;
  check_problem: Generated<string | null>;
  created_at_ms: number;
}

interface RepositoryTable {
  id: Generated<number>;
  workspace_id: number;
  connection_id: number;
  owner: string;
  name: string;
  default_branch: string;
  /** Page of the repository on its forge; null for the server's own. */
  web_url: Generated<string | null>;
  created_at_ms: number;
}

interface BindingTable {
  id: Generated<number>;
  workspace_id: number;
  agent_user_id: string;
  repository_id: number;
  base_branch: string;
  llm_connection_id: number | null;
  model: string | null;
  instructions: string;
  /** RunLimits as JSON. */
  limits: string;
  /** Models to try next, as JSON: a list of { llm_connection_id, model }. */
  fallbacks: Generated<string>;
  /** PushPolicy and BindingBudget as JSON. */
  push_policy: Generated<string>;
  budget: Generated<string>;
  image: string | null;
  pool_id: number;
  /** What the runner has to be able to do, as a JSON list. */
  labels: Generated<string>;
  enabled: number;
  /** 1 when comments by people who are not in the workspace reach the agent. */
  outside_comments: Generated<number>;
  created_at_ms: number;
}

interface PoolTable {
  id: Generated<number>;
  name: string;
  max_running: number;
  /** What every runner of the pool can do, as a JSON list. */
  labels: Generated<string>;
  created_at_ms: number;
}

/** A one-time token for a runner to join with. */
interface RegistrationTokenTable {
  id: Generated<number>;
  pool_id: number;
  token_hash: string;
  /** Tokens of an older epoch than the installation's are void: it is raised after a backup was restored. */
  epoch: number;
  created_by: string;
  created_at_ms: number;
  expires_at_ms: number;
  used_at_ms: number | null;
  /** SHA-256 of the nonce it was used with. */
  nonce_hash: string | null;
  runner_id: number | null;
  revoked_at_ms: number | null;
}

interface RunnerTable {
  id: Generated<number>;
  pool_id: number;
  name: string;
  /** `local` is the one in a server's own process, `host` a program elsewhere. */
  kind: string;
  /** Names the installation across restarts. */
  instance: string;
  /** New at every start: attempts held under another one are dead. */
  boot: string;
  last_seen_at_ms: number;
  /** What it says it can do, as a JSON list; those of its pool come on top. */
  labels: Generated<string>;
  /** Runs it takes at once. */
  capacity: Generated<number>;
  version: Generated<string | null>;
  /** 1 while it says that it takes no more; and 1 when an administrator wants that. */
  draining: Generated<number>;
  drain_asked: Generated<number>;
  revoked_at_ms: Generated<number | null>;
  /** What an administrator has to see to. */
  alert: Generated<string | null>;
  created_at_ms: Generated<number | null>;
}

interface RunnerCredentialTable {
  id: Generated<number>;
  runner_id: number;
  token_hash: string;
  created_at_ms: number;
  first_used_at_ms: number | null;
  /** Set when another one took its place. */
  expires_at_ms: number | null;
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

interface PullRequestTable {
  id: Generated<number>;
  repository_id: number;
  number: number;
  run_id: number;
  work_item_id: number;
  title: string;
  body: string;
  source_branch: string;
  target_branch: string;
  base_oid: string;
  head_oid: string;
  draft: number;
  /** `open`, `merged` or `closed`. */
  state: string;
  merged_oid: string | null;
  decided_by: string | null;
  /** Of a pull request on a forge: its page, its id there, when its state was last read, and up to where its comments were. */
  url: Generated<string | null>;
  forge_id: Generated<string | null>;
  synced_at_ms: Generated<number | null>;
  comments_cursor: Generated<string | null>;
  /** When it is to be looked at next on its forge; 0 is at once, null never. */
  look_at_ms: Generated<number | null>;
  /** Looks in a row that failed, and what the forge said to the last. */
  sync_failures: Generated<number>;
  sync_problem: Generated<string | null>;
  created_at_ms: number;
  updated_at_ms: number;
}

interface AuditTable {
  id: Generated<number>;
  at_ms: number;
  workspace_id: number | null;
  actor: string;
  action: string;
  subject: string;
  data: string;
}

/** What was used of one budget. */
interface BudgetUseTable {
  /** `run`, `binding` or `workspace`. */
  scope: string;
  scope_id: number;
  /** `2026-11` for a month; empty for a run. */
  period: string;
  tokens: Generated<number>;
  cost_micros: Generated<number>;
  /** Set aside for calls that are on their way. */
  held_tokens: Generated<number>;
  held_cost_micros: Generated<number>;
}

/** An amount set aside by one server process for the calls of one attempt. */
interface BudgetHoldTable {
  id: string;
  run_id: number;
  attempt: number;
  /** The process; new at every start. */
  holder: string;
  period: string;
  tokens: number;
  cost_micros: number;
  /** Then it counts as spent: its process is gone. */
  expires_at_ms: number;
}

/** What is known of a model of a connection; prices are micro-dollars for a million tokens, null when not known. */
interface ModelTable {
  connection_id: number;
  model: string;
  input_price: number | null;
  cached_input_price: number | null;
  output_price: number | null;
  context_window: number | null;
  /** 1 when it takes pictures. */
  images: number;
  updated_at_ms: number;
  updated_by: string;
}

/** A comment on a forge's pull request that was looked at. */
interface ForgeCommentTable {
  pull_request_id: number;
  comment: string;
  /** `started`, `kept` or why nothing was done. */
  outcome: string;
  /** What it became for its run: the message goes on to a follow-up with the run. */
  message_id: number | null;
  /** What was last said to it on the forge: null, `taken`, or attempt and status of the run as `2:succeeded`. */
  told: Generated<string | null>;
  /** When it is next seen to whether there is something to say; null when all is said. */
  tell_at_ms: number | null;
  /** Tries to say it that failed. */
  tell_tries: Generated<number>;
  created_at_ms: number;
}

export type Row<T extends keyof Schema> = Selectable<Schema[T]>;
export type NewRow<T extends keyof Schema> = Insertable<Schema[T]>;
