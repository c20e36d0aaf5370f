import type { ForgeComment } from "./forge-client.ts";

/** How long a comment may take to be listed after the time it bears, ms: forges store and index them one after the other. */
const CURSOR_OVERLAP_MS = 60_000;
/** Pages of 100 that are read of one kind of comment; a pull request with more than 500 news between two looks is noise. */
export const COMMENT_PAGES_MAX = 5;

/**
 * Oldest first, without what is older than the cursor, and the cursor for the next look: the time of the newest. What
 * came in the minute before it is given again, so that nothing falls between two looks.
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

/** From when comments are given, UTC ms; a cursor that cannot be read starts at the beginning. */
export function cursorMs(cursor: string | undefined): number {
  const ms = cursor === undefined ? 0 : Date.parse(cursor) - CURSOR_OVERLAP_MS;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
