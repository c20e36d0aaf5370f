import type { Generated, Insertable, Selectable } from "kysely";
import type { ArchivesSchema } from "./schema-archives.ts";
import type { BudgetsSchema } from "./schema-budgets.ts";
import type { PeopleSchema } from "./schema-people.ts";
import type { RunnersSchema } from "./schema-runners.ts";
import type { RunsSchema } from "./schema-runs.ts";
import type { SkillsSchema } from "./schema-skills.ts";
import type { TrackerSchema } from "./schema-tracker.ts";

/**
 * The one schema, on both engines. Conventions: ids are integers (users: text), times are UTC milliseconds in
 * `*_at_ms`, truth values are 0 or 1, structured values are JSON text that a store parses with its schema.
 */
export interface Schema
  extends RunnersSchema,
    RunsSchema,
    BudgetsSchema,
    TrackerSchema,
    SkillsSchema,
    PeopleSchema,
    ArchivesSchema {
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
  pull_requests: PullRequestTable;
  audit_log: AuditTable;
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
