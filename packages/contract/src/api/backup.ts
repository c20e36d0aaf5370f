import { z } from "zod";

/** File name of a backup, which is its id: `windshift-20261121T170500Z.tar`. */
export const BackupId = z.string().regex(/^windshift-\d{8}T\d{6}Z(?:-\d{1,3})?\.tar$/, "no such backup");
export type BackupId = z.infer<typeof BackupId>;

/** A backup that lies in the data folder: the database and the local repositories, in one tar. */
export const Backup = z.object({
  id: BackupId,
  /** `running` while it is written; what was running when the server ended is gone. */
  state: z.enum(["running", "done", "failed"]),
  /** Size so far, bytes. */
  bytes: z.int(),
  /** SHA-256 of the file, hex; null until it is done. */
  sha256: z.string().nullable(),
  /** What it holds: whether the database, and how many repositories. */
  database: z.boolean(),
  repositories: z.int(),
  /** What went wrong; null unless it failed. */
  problem: z.string().nullable(),
  created_at: z.iso.datetime(),
});
export type Backup = z.infer<typeof Backup>;

/** Newest first. */
export const BackupList = z.object({
  engine: z.enum(["sqlite", "postgres"]),
  /** Where PostgreSQL's programs are not installed beside the server, this command saves its database. Null when a backup holds it. */
  database_command: z.string().nullable(),
  /** Folder of the backups on the server. */
  folder: z.string(),
  backups: z.array(Backup),
});
export type BackupList = z.infer<typeof BackupList>;
