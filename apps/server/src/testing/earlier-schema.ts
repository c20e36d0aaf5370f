import { Migrator } from "kysely";
import type { Database } from "../db/database.ts";
import { migrateInitial } from "../db/migrations/001-initial.ts";
import { migrateForgesAndBudgets } from "../db/migrations/002-forges-and-budgets.ts";
import { migrateRunnerHosts } from "../db/migrations/003-runner-hosts.ts";

/** Makes an empty database what the version before the tracker left: its servers know nothing of later tables. */
export async function makeEarlierSchema({ kysely, engine }: Database): Promise<void> {
  const up = (migration: typeof migrateInitial) => ({ up: (db: never) => migration(db, engine) });
  const getMigrations = async () => ({
    "001-initial": up(migrateInitial),
    "002-forges-and-budgets": up(migrateForgesAndBudgets),
    "003-runner-hosts": up(migrateRunnerHosts),
  });
  const { error } = await new Migrator({ db: kysely, provider: { getMigrations } }).migrateToLatest();
  if (error !== undefined) throw error;
}

/** One workspace with `count` items, as servers of that version write them. */
export async function insertEarlierItems({ kysely, engine }: Database, count: number): Promise<void> {
  const at = { created_at_ms: 1, updated_at_ms: 1 };
  const stamp = new Date(0).toISOString();
  const emailVerified = engine === "sqlite" ? 0 : false;
  await kysely
    .insertInto("user")
    .values({
      id: "ada",
      name: "Ada",
      email: "ada@example.test",
      emailVerified,
      createdAt: stamp,
      updatedAt: stamp,
    } as never)
    .execute();
  await kysely
    .insertInto("workspaces")
    .values({ id: 1, key: "OLD", name: "Old", created_at_ms: 1, last_item_number: count } as never)
    .execute();
  const items = Array.from({ length: count }, (_, i) => ({
    workspace_id: 1,
    number: i + 1,
    title: `Größe ${i + 1}`,
    description: "As it was",
    status: "todo",
    creator_id: "ada",
    ...at,
  }));
  for (let from = 0; from < count; from += ROWS_AT_ONCE)
    await kysely
      .insertInto("work_items")
      .values(items.slice(from, from + ROWS_AT_ONCE) as never)
      .execute();
}

/** Rows of one statement: engines have a limit on bound values. */
const ROWS_AT_ONCE = 500;
