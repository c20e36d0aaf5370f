import type { Engine } from "../database.ts";
import type { Db } from "./columns.ts";

/** Priority, labels, sub-items, pages, activity, followers, notifications, saved views. */
export async function migrateTracker(_db: Db, _engine: Engine): Promise<void> {}
