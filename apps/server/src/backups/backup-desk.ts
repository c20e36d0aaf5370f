import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import type { Backup, BackupId, BackupList } from "@windshift/contract/api/backup.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { type ActingPerson, record } from "../audit/audit-store.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import { PG_DUMP } from "./backup-command.ts";
import {
  backupFolder,
  deleteBackup,
  findBackup,
  gatheredBytes,
  listBackups,
  newBackupId,
} from "./backup-store.ts";
import { canDump } from "./postgres-dump.ts";

/** How long a backup may take, ms. */
const BACKUP_MS_MAX = 12 * 3_600_000;

/** Backups of one server's data folder: one is written at a time. */
export class BackupDesk {
  /** The one that is written, or that failed last. */
  private latest: Backup | undefined;
  private readonly folder: string;

  constructor(
    private readonly parts: {
      database: Database;
      /** DATABASE_URL; without it a backup of a server on PostgreSQL holds its repositories alone. */
      databaseUrl?: string | undefined;
      dataDir: string;
      command: readonly string[];
      log: Log;
    },
  ) {
    this.folder = backupFolder(parts.dataDir);
  }

  async list(): Promise<BackupList> {
    const latest = await this.unfinished();
    const whole = await listBackups(this.folder);
    return {
      engine: this.parts.database.engine,
      database_command: this.holdsDatabase() ? null : PG_DUMP,
      folder: this.folder,
      // The file is there a moment before the process that writes it has ended; until then it is the one being written.
      backups: latest === undefined ? whole : [latest, ...whole.filter(({ id }) => id !== latest.id)],
    };
  }

  /** Begins one; `list` says how it goes. @throws AppError `conflict` while another one is written */
  async start(by: ActingPerson): Promise<Backup> {
    if (this.latest?.state === "running")
      throw new AppError("conflict", "a backup is being written; wait for its end");
    const now = Date.now();
    const id = newBackupId(this.folder, now);
    const database = this.holdsDatabase();
    const backup: Backup = {
      id,
      state: "running",
      bytes: 0,
      sha256: null,
      database,
      repositories: 0,
      problem: null,
      created_at: new Date(now).toISOString(),
    };
    this.latest = backup;
    try {
      await this.tell(by, "backup.created", id);
    } catch (error) {
      this.latest = undefined;
      throw error;
    }
    void this.write(backup);
    return backup;
  }

  /** @returns its file and size @throws AppError `not_found` */
  async open(id: BackupId, by: ActingPerson): Promise<{ path: string; bytes: number }> {
    const backup = await findBackup(this.folder, id);
    if (backup === undefined) throw new AppError("not_found", "there is no such backup");
    await this.tell(by, "backup.downloaded", id);
    return { path: join(this.folder, id), bytes: backup.bytes };
  }

  /** @throws AppError `not_found`; `conflict` while it is written */
  async remove(id: BackupId, by: ActingPerson): Promise<void> {
    const failed = this.latest?.id === id && this.latest.state === "failed";
    if (this.latest?.id === id && !failed)
      throw new AppError("conflict", "this backup is being written; wait for its end");
    const known = failed || (await findBackup(this.folder, id)) !== undefined;
    if (!known) throw new AppError("not_found", "there is no such backup");
    await this.tell(by, "backup.deleted", id);
    await deleteBackup(this.folder, id);
    if (failed) this.latest = undefined;
  }

  private holdsDatabase(): boolean {
    const { database, databaseUrl } = this.parts;
    return database.engine === "sqlite" || (databaseUrl !== undefined && canDump());
  }

  private async unfinished(): Promise<Backup | undefined> {
    if (this.latest?.state !== "running") return this.latest;
    return { ...this.latest, bytes: await gatheredBytes(join(this.folder, this.latest.id)) };
  }

  private async write(backup: Backup): Promise<void> {
    const { dataDir, databaseUrl, command, log } = this.parts;
    const what = backup.database ? "database" : "no-database";
    const problem = await exec([...command, dataDir, what, join(this.folder, backup.id)], {
      env: databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl },
      timeoutMs: BACKUP_MS_MAX,
    }).then(
      ({ exitCode, stderr }) => (exitCode === 0 ? undefined : stderr.trim() || `exit code ${exitCode}`),
      (error: Error) => error.message,
    );
    if (problem === undefined) {
      this.latest = undefined;
      log.info({ backup: backup.id }, "a backup was written");
      return;
    }
    log.error({ backup: backup.id, problem }, "a backup could not be written");
    this.latest = { ...backup, state: "failed", problem: problem.slice(-500) };
  }

  private tell(by: ActingPerson, action: string, id: BackupId): Promise<void> {
    return record(this.parts.database.kysely, {
      workspaceId: null,
      actor: { user: by.user },
      action,
      subject: `backup ${id}`,
      data: { ip: by.ip ?? "unknown" },
    });
  }
}
