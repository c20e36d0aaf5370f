import type { Engine } from "../database.ts";
import type { Db } from "./columns.ts";

/** Skills with their versions, what each run was given, attempts, private test runs. */
export async function migrateSkillsAndRuns(_db: Db, _engine: Engine): Promise<void> {}
