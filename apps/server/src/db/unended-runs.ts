import { sql } from "kysely";

/**
 * Runs that have not ended, in the words of the indexes that hold no others: to SQLite these are of use only for a query that says
 * the same, and whose rows are not wanted in the order of another index (see UNINDEXED_RUN_ID). It would read every run there ever was.
 */
export const UNENDED = sql<boolean>`runs.status in ('queued', 'running', 'waiting')`;

/** The number of a run, for an order that no index has. */
export const UNINDEXED_RUN_ID = sql<number>`+runs.id`;
