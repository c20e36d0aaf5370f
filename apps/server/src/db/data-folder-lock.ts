import { Database as SqliteFile } from "bun:sqlite";
import { join } from "node:path";
import { AppError } from "@windshift/contract/app-error.ts";

/** Beside the embedded database; empty, only its lock counts. */
export const LOCK_FILE = "server.lock";
/** A server that was just told to end gets so long to be gone, ms. */
const WAIT_MS_MAX = 2_000;

export interface DataFolderLock {
  release(): void;
}

/**
 * Makes this process the only one that serves a data folder with an embedded database, or moves it elsewhere: wake-ups, caches
 * and publishing of the embedded database are one process's own. The system takes the lock back when its holder dies, however
 * that happens. Programs that only look in, such as a backup, need none.
 * @throws AppError `conflict` when another process has it
 */
export function lockDataFolder(dataDir: string): DataFolderLock {
  const path = join(dataDir, LOCK_FILE);
  let file: SqliteFile | undefined;
  try {
    file = new SqliteFile(path, { create: true });
    file.run(`pragma busy_timeout = ${WAIT_MS_MAX}`);
    file.run("begin exclusive");
  } catch (cause) {
    file?.close();
    throw refusal(dataDir, path, cause);
  }
  const held = file;
  return { release: () => held.close() };
}

function refusal(dataDir: string, path: string, cause: unknown): AppError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return code.startsWith("SQLITE_BUSY")
    ? new AppError(
        "conflict",
        `another process serves or moves the data folder ${dataDir}; stop it first. Only with PostgreSQL can several servers work together`,
        { cause },
      )
    : new AppError("unavailable", `WINDSHIFT_DATA: ${path} cannot be locked (${code || String(cause)})`, {
        cause,
      });
}
