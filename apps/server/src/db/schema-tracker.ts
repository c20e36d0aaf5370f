import type { Generated } from "kysely";

/** Tables of the tracker beside work items and comments: labels, pages, activity, notifications, saved views. Migration 004. */
export interface TrackerSchema {
  /** What a search looks through: key, title and description in small letters. */
  item_search: { work_item_id: number; text: string };
  /** Items whose text was written and not taken over yet; the database notes them. */
  item_search_stale: { work_item_id: number };
  /** What an update left to do beside the work, by name, and the last id that is done. A row goes when it is through. */
  upkeep: { name: string; done_to: number };
  labels: LabelTable;
  item_labels: { work_item_id: number; label_id: number };
  pages: PageTable;
  page_versions: PageVersionTable;
  item_pages: { work_item_id: number; page_id: number };
  activity: ActivityTable;
  /** `following` is 0 for who does not want to hear of the item again. */
  followers: { work_item_id: number; user_id: string; following: number };
  notifications: NotificationTable;
  comment_mentions: { comment_id: number; user_id: string };
  saved_views: SavedViewTable;
}

interface LabelTable {
  id: Generated<number>;
  workspace_id: number;
  name: string;
  /** In small letters; unique in the workspace. */
  name_key: string;
  color: string;
  created_at_ms: number;
}

interface PageTable {
  id: Generated<number>;
  workspace_id: number;
  parent_id: number | null;
  title: string;
  body: string;
  /** Title and text in small letters. */
  search_text: string;
  version: number;
  creator_id: string;
  editor_id: string;
  created_at_ms: number;
  updated_at_ms: number;
}

interface PageVersionTable {
  page_id: number;
  version: number;
  title: string;
  body: string;
  editor_id: string;
  created_at_ms: number;
}

interface ActivityTable {
  id: Generated<number>;
  workspace_id: number;
  work_item_id: number;
  /** Null for what the server itself saw. */
  actor_id: string | null;
  run_id: number | null;
  /** Change as JSON. */
  change: string;
  created_at_ms: number;
}

interface NotificationTable {
  id: Generated<number>;
  user_id: string;
  workspace_id: number;
  work_item_id: number;
  kind: string;
  actor_id: string | null;
  text: string;
  run_id: number | null;
  comment_id: number | null;
  pull_request_id: number | null;
  read: Generated<number>;
  created_at_ms: number;
}

interface SavedViewTable {
  id: Generated<number>;
  workspace_id: number;
  owner_id: string;
  name: string;
  layout: string;
  /** ItemQuery as JSON. */
  query: string;
  shared: number;
  created_at_ms: number;
  updated_at_ms: number;
}
