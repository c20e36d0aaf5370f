import type { Generated } from "kysely";

/** Tables of skills and of what a run was given and did. Migration 005. */
export interface SkillsSchema {
  skills: SkillTable;
  skill_versions: SkillVersionTable;
  /** The skills of a binding, in the order of the prompt. */
  binding_skills: { binding_id: number; skill_id: number; position: number };
  run_skills: RunSkillTable;
  run_attempts: RunAttemptTable;
  /** When an attempt came to a phase first, by the server's clock. */
  run_phases: { run_id: number; attempt: number; phase: string; started_at_ms: number };
  run_outputs: RunOutputTable;
}

interface SkillTable {
  id: Generated<number>;
  workspace_id: number;
  name: string;
  /** The name in one case: none twice in a workspace. */
  name_key: string;
  /** The text that runs are given from now on. */
  version: number;
  enabled: number;
  created_at_ms: number;
  updated_at_ms: number;
  updated_by: string;
  /** Its row and versions stay, since runs name them. */
  deleted_at_ms: number | null;
}

/** Written once, never changed. */
interface SkillVersionTable {
  skill_id: number;
  version: number;
  name: string;
  description: string;
  body: string;
  /** Of the body, hex. */
  sha256: string;
  /** Of the body. */
  bytes: number;
  author_id: string;
  created_at_ms: number;
}

/** A skill as it was frozen when the run was queued. */
interface RunSkillTable {
  run_id: number;
  skill_id: number;
  version: number;
  position: number;
  sha256: string;
  /** When the agent first read it. */
  read_at_ms: number | null;
}

interface RunAttemptTable {
  run_id: number;
  attempt: number;
  runner_id: number | null;
  claimed_at_ms: number;
  ended_at_ms: number | null;
  /** A status that the run was given, or `interrupted`. */
  outcome: string | null;
}

/** What the newest attempt that had commits handed over. */
interface RunOutputTable {
  run_id: number;
  attempt: number;
  /** ChangedFile as JSON, a list. */
  files: string;
  files_more: number;
  /** Of a test run, which pushes nothing. */
  patch: string | null;
  patch_truncated: number;
}
