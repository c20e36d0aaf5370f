import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, systemClock } from "@windshift/base/clock.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import { tidyArchive } from "./archive-tidy.ts";
import { archiveLedger, type Ledger } from "./ledger-archive.ts";
import { holdRetention, releaseRetention } from "./retention-lease.ts";
import { archiveTranscript, finishArchive } from "./transcript-archive.ts";
import {
  forgetArchive,
  listDueRuns,
  listHalfDone,
  listOverdue,
  readNow,
} from "./transcript-archive-store.ts";

/** Wait between looks, ms: what is kept for days need not go at the minute. */
const LOOK_MS = 3_600_000;
/** Before the first look, ms: a server that just started has other things to do. */
const START_MS = 60_000;
/** Runs looked up at once. */
const RUNS_AT_ONCE = 100;
/** Transcripts that may fail in one look before it is given up: the folder is full or gone then. */
const FAILURES_MAX = 5;

/** How long things stay, ms; undefined is for good. */
export interface RetentionLimits {
  transcriptMs: number | undefined;
  /** From the run's end; larger than `transcriptMs`. */
  transcriptArchiveMs: number | undefined;
  auditMs: number | undefined;
  usageMs: number | undefined;
}

export interface RetentionParts {
  database: Database;
  /** Folder of the archive, absolute; with several servers one for all. */
  folder: string;
  limits: RetentionLimits;
  log: Log;
}

/** What one look did. */
export interface Shortened {
  transcripts: number;
  deleted: number;
  audit: number;
  usage: number;
  failed: number;
}

/** Shortens what is older than the limits, on one of the servers at a time, until `signal` aborts. Ends at once where there is no limit. */
export async function runRetentionLoop(
  parts: RetentionParts,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const { limits, log } = parts;
  if (Object.values(limits).every((limit) => limit === undefined)) return;
  const holder = randomUUID();
  await clock.sleep(START_MS, signal);
  while (!signal.aborted) {
    try {
      const done = await shortenAll(parts, holder, signal);
      if (done !== undefined && Object.values(done).some((count) => count > 0))
        log.info(
          { ...done },
          "what is older than this installation keeps it was moved to the archive or deleted",
        );
    } catch (error) {
      log.error({ err: error }, "retention: the database or the archive did not answer");
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

/**
 * One look.
 * @param holder of this process alone
 * @returns undefined while another server does it
 */
export async function shortenAll(
  parts: RetentionParts,
  holder: string,
  signal: AbortSignal,
): Promise<Shortened | undefined> {
  const { database, limits } = parts;
  const mayGoOn = async () => !signal.aborted && (await holdRetention(database, holder));
  if (!(await mayGoOn())) return undefined;
  const now = await readNow(database);
  const done: Shortened = { transcripts: 0, deleted: 0, audit: 0, usage: 0, failed: 0 };
  if (limits.transcriptMs !== undefined)
    await shortenTranscripts(parts, now - limits.transcriptMs, mayGoOn, done);
  if (limits.transcriptArchiveMs !== undefined)
    await deleteOverdue(parts, now - limits.transcriptArchiveMs, mayGoOn, done);
  if (limits.auditMs !== undefined) await shortenLedger(parts, "audit", now - limits.auditMs, mayGoOn, done);
  if (limits.usageMs !== undefined) await shortenLedger(parts, "usage", now - limits.usageMs, mayGoOn, done);
  await tidyArchive(database, parts.folder);
  await releaseRetention(database, holder);
  return done;
}

async function shortenTranscripts(
  { database, folder, log }: RetentionParts,
  beforeMs: number,
  mayGoOn: () => Promise<boolean>,
  done: Shortened,
): Promise<void> {
  // One that cannot be moved must not keep the others waiting; a full disk must not be tried a thousand times.
  const attempt = async (run: number, work: () => Promise<boolean>) => {
    try {
      if (await work()) done.transcripts++;
    } catch (error) {
      done.failed++;
      log.error({ run, err: error }, "a transcript could not be archived; it stays where it is");
      return false;
    }
    return true;
  };
  for (const archive of await listHalfDone(database.kysely)) {
    if (done.failed >= FAILURES_MAX || !(await mayGoOn())) return;
    await attempt(archive.run_id, async () => {
      await finishArchive(database, folder, archive);
      return true;
    });
  }
  const failed: number[] = [];
  for (;;) {
    const due = await listDueRuns(database.kysely, beforeMs, failed, RUNS_AT_ONCE);
    if (due.length === 0) return;
    for (const run of due) {
      if (failed.length >= FAILURES_MAX || !(await mayGoOn())) return;
      if (!(await attempt(run.id, () => archiveTranscript(database, folder, run)))) failed.push(run.id);
    }
  }
}

async function deleteOverdue(
  { database, folder }: RetentionParts,
  beforeMs: number,
  mayGoOn: () => Promise<boolean>,
  done: Shortened,
): Promise<void> {
  while (await mayGoOn()) {
    const overdue = await listOverdue(database.kysely, beforeMs, RUNS_AT_ONCE);
    for (const { run_id, file } of overdue) {
      await forgetArchive(database, run_id);
      // Where it lies in another server's folder, that one takes it away as nobody's.
      await rm(join(folder, file), { force: true });
      done.deleted++;
    }
    if (overdue.length < RUNS_AT_ONCE) return;
  }
}

async function shortenLedger(
  { database, folder }: RetentionParts,
  ledger: Ledger,
  beforeMs: number,
  mayGoOn: () => Promise<boolean>,
  done: Shortened,
): Promise<void> {
  while (await mayGoOn()) {
    const moved = await archiveLedger(database, folder, ledger, beforeMs);
    if (moved === 0) return;
    done[ledger] += moved;
  }
}
