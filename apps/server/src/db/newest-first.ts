import { turn } from "@windshift/base/turn.ts";
import { tookTooLong } from "./text-search.ts";

/** Ids that one statement looks through in SQLite: some milliseconds, in which nobody else of this process works. */
const WINDOW_IDS = 2_000;

/** Ids of a window, both ends included. */
export interface IdWindow {
  from: number;
  to: number;
}

/**
 * The newest rows that a condition holds for, whatever it looks at, without holding the process up in SQLite: the table is gone
 * through by windows of ids, and others work between them.
 * @param range to: the highest id there is or that is wanted; withinMs: when to give up; ids: of a window, fewer where rows are long
 * @param find the rows of a window, newest first, at most so many
 * @throws AppError `timed_out`
 */
export async function findNewestFirst<T>(
  range: { to: number; limit: number; withinMs: number | undefined; ids?: number },
  find: (window: IdWindow, limit: number) => Promise<T[]>,
): Promise<T[]> {
  const startedMs = performance.now();
  const found: T[] = [];
  const { ids = WINDOW_IDS } = range;
  for (let { to } = range; to > 0 && found.length < range.limit; to -= ids) {
    if (range.withinMs !== undefined && performance.now() - startedMs > range.withinMs) throw tookTooLong();
    found.push(...(await find({ from: to - ids + 1, to }, range.limit - found.length)));
    await turn();
  }
  return found;
}
