import { join } from "node:path";
import { runsFromSource } from "@windshift/base/build-version.ts";

/** The command of our own program that writes a backup: a process apart, as copying a database takes a core for long. */
export const WRITE_BACKUP = "write-backup";
/** What saves a PostgreSQL database where its programs are not installed beside the server; a backup of ours holds the repositories then. */
export const PG_DUMP = 'pg_dump --format=custom --file=windshift.dump "$DATABASE_URL"';
/** How a process that writes backups is started: this very program, from its sources when we run from those. */
export function backupCommand(execPath: string, sourceDir: string): string[] {
  return runsFromSource ? [execPath, join(sourceDir, "main.ts"), WRITE_BACKUP] : [execPath, WRITE_BACKUP];
}
