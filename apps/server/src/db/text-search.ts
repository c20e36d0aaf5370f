import { AppError } from "@windshift/contract/app-error.ts";
import { type Expression, type RawBuilder, sql } from "kysely";
import type { Database, Engine, Queries } from "./database.ts";

/** How long one search may take, ms; then it is given up, so that it cannot keep the database from others. */
const SEARCH_MS_MAX = 3_000;
/** The same of a search in SQLite that goes by windows, ms: longer, as it keeps nobody from anything but a share of the processor. */
export const WINDOWED_SEARCH_MS_MAX = 10_000;
/** What PostgreSQL says of a statement that was given up. */
const CANCELED = "57014";

/** Words of one search: each is looked for by itself. */
const SEARCH_WORDS_MAX = 10;

/** What is compared in a search: in small letters, composed, on either engine. */
export function searchable(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

/** The words of a search; what has all of them is found. @throws AppError `invalid_input` for more than SEARCH_WORDS_MAX */
export function searchWords(q: string): string[] {
  const words = [...new Set(searchable(q.replaceAll("\0", "")).split(/\s+/).filter(Boolean))];
  if (words.length > SEARCH_WORDS_MAX) {
    const message = `at most ${SEARCH_WORDS_MAX} words`;
    throw new AppError("invalid_input", `q: ${message}`, { details: [{ path: "q", message }] });
  }
  return words;
}

/** Whether `text` has `word` in it, letter for letter: no character of it means anything else. */
export function contains(engine: Engine, text: Expression<unknown>, word: string): RawBuilder<boolean> {
  return engine === "sqlite"
    ? sql<boolean>`instr(${text}, ${word}) > 0`
    : sql<boolean>`strpos(${text}, ${word}) > 0`;
}

/**
 * Runs a search, held to its time in PostgreSQL. In SQLite nothing can end a statement: what looks through much goes by windows.
 * @throws AppError `timed_out`
 */
export async function withinSearchTime<T>(
  database: Database,
  search: (db: Queries) => Promise<T>,
): Promise<T> {
  if (database.engine === "sqlite") return search(database.kysely);
  try {
    return await database.transaction(async (tx) => {
      await sql`set local statement_timeout = ${sql.lit(SEARCH_MS_MAX)}`.execute(tx);
      return search(tx);
    });
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== CANCELED) throw error;
    throw tookTooLong(error);
  }
}

/** What a search ends with that was given up. */
export function tookTooLong(cause?: unknown): AppError {
  return new AppError(
    "timed_out",
    "the search took too long; narrow it by a filter or look for a longer word",
    { cause },
  );
}
