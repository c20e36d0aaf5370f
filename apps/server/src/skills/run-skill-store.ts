import type { UsedSkill } from "@windshift/contract/api/run.ts";
import type { AttachedSkill, AttachedSkillDetail } from "@windshift/contract/api/skill.ts";
import { type Database, dbNowMs, type Queries } from "../db/database.ts";
import { isoTime } from "../http/json.ts";
import { nameKeyOf } from "./skill-store.ts";

/** Gives a new run the skills of its binding as they are now: what is changed later does not reach it (PI-11). */
export async function freezeSkills(tx: Queries, run: number, binding: number): Promise<void> {
  await tx
    .insertInto("run_skills")
    .columns(["run_id", "skill_id", "version", "position", "sha256"])
    .expression((eb) =>
      eb
        .selectFrom("binding_skills")
        .innerJoin("skills", "skills.id", "binding_skills.skill_id")
        .innerJoin("skill_versions", (join) =>
          join
            .onRef("skill_versions.skill_id", "=", "skills.id")
            .onRef("skill_versions.version", "=", "skills.version"),
        )
        .select((sub) => [
          sub.val(run).as("run_id"),
          "skills.id as skill_id",
          "skills.version",
          "binding_skills.position",
          "skill_versions.sha256",
        ])
        .where("binding_skills.binding_id", "=", binding)
        .where("skills.enabled", "=", 1)
        .where("skills.deleted_at_ms", "is", null),
    )
    .execute();
}

/** What the agent may read, in the order of the prompt. */
export async function listAttached(db: Queries, run: number): Promise<AttachedSkill[]> {
  return selectFrozen(db, [run])
    .select(["skill_versions.name", "skill_versions.description", "run_skills.version"])
    .execute();
}

/** The same of several runs; those without skills are not in it. */
export async function listAttachedOf(
  db: Queries,
  runs: readonly number[],
): Promise<Map<number, AttachedSkill[]>> {
  const rows = await selectFrozen(db, runs)
    .select(["run_skills.run_id", "skill_versions.name", "skill_versions.description", "run_skills.version"])
    .execute();
  const byRun = Map.groupBy(rows, ({ run_id }) => run_id);
  return new Map([...byRun].map(([run, found]) => [run, found.map(({ run_id: _, ...skill }) => skill)]));
}

/** Gives the text of an attached skill; that the agent has read it is noted. Undefined for any other name. */
export async function readAttached(
  database: Database,
  run: number,
  name: string,
  reader: "agent" | "person",
): Promise<AttachedSkillDetail | undefined> {
  const rows = await selectFrozen(database.kysely, [run])
    .select(["run_skills.skill_id", "run_skills.version", "run_skills.read_at_ms"])
    .select([
      "skill_versions.name",
      "skill_versions.description",
      "skill_versions.body",
      "skill_versions.sha256",
    ])
    .execute();
  const row = rows.find((one) => nameKeyOf(one.name) === nameKeyOf(name));
  if (row === undefined) return undefined;
  const { skill_id, read_at_ms, ...skill } = row;
  if (read_at_ms === null && reader === "agent")
    await database.kysely
      .updateTable("run_skills")
      .set({ read_at_ms: dbNowMs(database.engine) })
      .where("run_id", "=", run)
      .where("skill_id", "=", skill_id)
      .where("read_at_ms", "is", null)
      .execute();
  return skill;
}

/** The skills of a run as people see them. */
export async function listUsed(db: Queries, run: number): Promise<UsedSkill[]> {
  const rows = await selectFrozen(db, [run])
    .innerJoin("skills", "skills.id", "run_skills.skill_id")
    .select(["skills.id", "skills.deleted_at_ms", "skill_versions.name", "run_skills.version"])
    .select(["run_skills.sha256", "run_skills.read_at_ms"])
    .execute();
  return rows.map(({ id, deleted_at_ms, read_at_ms, ...skill }) => ({
    ...skill,
    skill_id: deleted_at_ms === null ? id : null,
    read_at: read_at_ms === null ? null : isoTime(read_at_ms),
  }));
}

function selectFrozen(db: Queries, runs: readonly number[]) {
  return db
    .selectFrom("run_skills")
    .innerJoin("skill_versions", (join) =>
      join
        .onRef("skill_versions.skill_id", "=", "run_skills.skill_id")
        .onRef("skill_versions.version", "=", "run_skills.version"),
    )
    .where("run_skills.run_id", "in", runs)
    .orderBy("run_skills.position");
}
