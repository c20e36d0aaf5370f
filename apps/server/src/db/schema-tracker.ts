/** Tables of the tracker beside work items and comments: labels, pages, activity, notifications, saved views. Migration 004. */
export type TrackerSchema = Record<never, never>;
