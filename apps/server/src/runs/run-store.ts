import { AppError } from "@windshift/contract/app-error.ts";
import type { RunId } from "@windshift/contract/ids.ts";
import type { InsertObject } from "kysely";
import type { Queries } from "../db/database.ts";
import type { Schema } from "../db/schema.ts";
import { parseRun, RUN_COLUMNS, type Run } from "./run.ts";

/** @returns undefined when there is no such run */
export async function findRun(db: Queries, id: number): Promise<Run | undefined> {
  const row = await db.selectFrom("runs").select(RUN_COLUMNS).where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : parseRun(row);
}

/** @throws AppError `not_found` */
export async function getRun(db: Queries, id: number): Promise<Run> {
  const run = await findRun(db, id);
  if (run === undefined) throw new AppError("not_found", `run ${id} does not exist`);
  return run;
}

/** The one queued, running or waiting run of this agent on this item. */
export async function findActiveRun(
  db: Queries,
  workItemId: number,
  agentUserId: string,
): Promise<Run | undefined> {
  const row = await db
    .selectFrom("runs")
    .select(RUN_COLUMNS)
    .where("work_item_id", "=", workItemId)
    .where("agent_user_id", "=", agentUserId)
    .where("status", "in", ["queued", "running", "waiting"])
    .executeTakeFirst();
  return row === undefined ? undefined : parseRun(row);
}

/** Adds a run as it is given; whether there may be one, the caller has found out. @returns its id */
export async function insertRun(db: Queries, row: InsertObject<Schema, "runs">): Promise<RunId> {
  const { id } = await db.insertInto("runs").values(row).returning("id").executeTakeFirstOrThrow();
  return id as RunId;
}
