import { rm } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@windshift/contract/app-error.ts";
import { EVENT_PAGE_MAX } from "@windshift/contract/limits.ts";
import type { Database } from "../db/database.ts";
import { listEvents } from "../runs/run-events.ts";
import { openArchive, readArchive, uniqueMark, writeArchive } from "./archive-file.ts";
import {
  findArchive,
  keepArchive,
  removeEvents,
  type TranscriptArchive,
} from "./transcript-archive-store.ts";

/** Transcripts of archives lie in folders of so many runs, so that none gets too long to list. */
const RUNS_PER_FOLDER = 1_000;

/**
 * Moves the transcript of an ended run from the database to a file of the archive. First the file, read back and on the disk; then,
 * in one transaction, the word that it is the transcript; then the events go. Whatever ends the process between two of these, the
 * transcript is whole in one place or both, and the next look goes on. Of several servers that try at once, one does it.
 * @returns false when it was done elsewhere meanwhile
 * @throws AppError `unavailable` when the archive cannot be written to
 */
export async function archiveTranscript(
  database: Database,
  folder: string,
  run: { id: number; endedAtMs: number },
): Promise<boolean> {
  const file = fileOf(run.id);
  const facts = await writeArchive(join(folder, file), linesOf(database, run.id));
  // Should this reject, the commit may have come through: the file stays, and is taken away once it is nobody's for a day.
  if (!(await keepArchive(database, run, file, facts))) {
    await rm(join(folder, file), { force: true });
    return false;
  }
  await removeEvents(database, run.id);
  return true;
}

/**
 * Goes on where a server ended between archive and removal. Only a server that has the file, whole, removes anything.
 * @throws AppError `unavailable` when the file is missing here or is not the one that was written
 */
export async function finishArchive(
  database: Database,
  folder: string,
  archive: TranscriptArchive,
): Promise<void> {
  const path = join(folder, archive.file);
  const found = await readArchive(path).catch((cause: unknown) => {
    throw new AppError(
      "unavailable",
      `the archive ${path} cannot be read; the transcript stays in the database`,
      {
        cause,
      },
    );
  });
  if (found.sha256 !== archive.sha256)
    throw new AppError(
      "unavailable",
      `the archive ${path} was changed; the transcript stays in the database`,
    );
  await removeEvents(database, archive.run_id);
}

/**
 * A transcript that left the database, as JSONL.
 * @returns undefined when it did not
 * @throws AppError `not_found` once it is deleted; `unavailable` when this server does not have the file
 */
export async function openArchivedTranscript(
  database: Database,
  folder: string,
  run: number,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const row = await database.kysely
    .selectFrom("runs")
    .select("transcript_state")
    .where("id", "=", run)
    .executeTakeFirst();
  if (row === undefined || row.transcript_state === null) return undefined;
  const archive = await findArchive(database.kysely, run);
  if (archive === undefined)
    throw new AppError(
      "not_found",
      `the transcript of run ${run} was deleted: it was older than this installation keeps any`,
    );
  return openArchive(join(folder, archive.file));
}

/** `transcripts/0001000/run-1234-8f3a.jsonl.gz` */
function fileOf(run: number): string {
  const group = String(Math.floor(run / RUNS_PER_FOLDER) * RUNS_PER_FOLDER).padStart(7, "0");
  return `transcripts/${group}/run-${run}-${uniqueMark()}.jsonl.gz`;
}

async function* linesOf(database: Database, run: number): AsyncGenerator<string> {
  for (let after = 0; ; ) {
    const events = await listEvents(database.kysely, run, after, EVENT_PAGE_MAX);
    for (const event of events) yield JSON.stringify(event);
    if (events.length < EVENT_PAGE_MAX) return;
    after = events.at(-1)?.id ?? after;
  }
}
