/** At the end of all that is written on a forge by us: not seen there, and never taken for the word of a person. */
export const OUR_MARK = "<!-- windshift -->";

/** Tells one comment of ours from all others, so that it is written once. @param key letters, digits, `:` and `-` */
export function markOf(key: string): string {
  return `<!-- windshift:${key} -->`;
}

/**
 * Stands in the pull request of a run. The time the run was made tells it from the run of the same number that another
 * installation has, or this one had before its database was restored.
 */
export function markOfRun(run: { id: number; created_at_ms: number }): string {
  return markOf(`run:${run.id}:${run.created_at_ms}`);
}

/** Whether a text on a forge was written by us, whatever account it is from. */
export function isOurs(body: string): boolean {
  return body.includes(OUR_MARK);
}
