import type { Generated } from "kysely";

/** Tables of what left the database. Migration 007. */
export interface ArchivesSchema {
  transcript_archives: TranscriptArchiveTable;
}

interface TranscriptArchiveTable {
  run_id: number;
  /** Below the archive folder. */
  file: string;
  /** Of the file as it is, compressed. */
  bytes: number;
  sha256: string;
  events: number;
  /** When its run ended. */
  ended_at_ms: number;
  archived_at_ms: number;
  /** 1 once the events are out of the database. */
  rows_removed: Generated<number>;
}
