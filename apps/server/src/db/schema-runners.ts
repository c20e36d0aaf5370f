import type { Generated } from "kysely";

/** Pools, and the runners that take runs from them. Migrations 001 and 003. */
export interface RunnersSchema {
  pools: PoolTable;
  /** Which workspaces may use a pool; no row for a pool means all. */
  pool_workspaces: { pool_id: number; workspace_id: number };
  registration_tokens: RegistrationTokenTable;
  runners: RunnerTable;
  runner_credentials: RunnerCredentialTable;
  /** Every start of a runner program that was heard of. */
  runner_boots: { runner_id: number; boot: string; first_seen_at_ms: number };
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
