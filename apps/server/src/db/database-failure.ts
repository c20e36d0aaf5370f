import { AppError } from "@windshift/contract/app-error.ts";

/** When a caller may try again, s: a database that is started again or that another takes the place of needs a few of these. */
const RETRY_AFTER_S = 2;

/** What PostgreSQL says when it is the moment that is wrong and not the statement. Classes, then codes. */
const PASSING_CLASSES = ["08", "57P"]; // connection lost; shut down, crashed, starting
const PASSING_CODES: ReadonlySet<string> = new Set([
  "25006", // writes on a standby: the address has not moved to the new primary yet
  "25P03", // this process stood still in the middle of a transaction
  "40001",
  "40P01", // a deadlock, ended at our cost
  "53300", // too many connections
]);
/** What the operating system says of a connection that cannot be had or has broken. */
const BROKEN_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
]);
/** What the client says without a code. */
const BROKEN_TEXT =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Cannot use a pool after)/;

/** What the engines say when a disk takes no more: PostgreSQL, then SQLite, whose log and its index are files of their own. */
const FULL_CODE = /^(?:53100|SQLITE_FULL|SQLITE_IOERR_(?:WRITE|SHMSIZE|TRUNCATE|FSYNC))$/;

/** A failure of the moment as `unavailable`, with a time to try again; any other as it is. */
export function asDatabaseFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  if (FULL_CODE.test(codeOf(error)))
    return new AppError(
      "unavailable",
      "the disk of the database takes no more, so nothing was written; an administrator must make room on it",
      { cause: error, retryAfterS: RETRY_AFTER_S },
    );
  if (!isPassing(error)) return error;
  return new AppError("unavailable", "the database does not answer now; try again in a moment", {
    cause: error,
    retryAfterS: RETRY_AFTER_S,
  });
}

function isPassing(error: Error): boolean {
  const code = codeOf(error);
  if (PASSING_CODES.has(code) || BROKEN_CODES.has(code)) return true;
  if (/^[0-9A-Z]{5}$/.test(code) && PASSING_CLASSES.some((start) => code.startsWith(start))) return true;
  return BROKEN_TEXT.test(error.message);
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}
