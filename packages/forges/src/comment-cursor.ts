import type { ForgeComment } from "./forge-client.ts";

/** Pages of 100 that are read of one kind of comment; a pull request with more than 500 news between two looks is noise. */
export const COMMENT_PAGES_MAX = 5;

/**
 * Oldest first, without what is older than the cursor, and the cursor for the next look: the time of the newest. What
 * came in that same millisecond or second is given again, so that nothing falls between two looks.
 */
export function sinceCursor(
  found: readonly ForgeComment[],
  cursor: string | undefined,
): { comments: ForgeComment[]; cursor: string | undefined } {
  const fromMs = cursorMs(cursor);
  const comments = found.filter((c) => c.createdAtMs >= fromMs).sort((a, b) => a.createdAtMs - b.createdAtMs);
  const newest = comments.at(-1);
  return { comments, cursor: newest === undefined ? cursor : new Date(newest.createdAtMs).toISOString() };
}

/** A cursor that cannot be read starts at the beginning. */
export function cursorMs(cursor: string | undefined): number {
  const ms = cursor === undefined ? 0 : Date.parse(cursor);
  return Number.isFinite(ms) ? ms : 0;
}
