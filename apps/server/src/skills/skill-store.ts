import type { Skill, SkillDetail, SkillVersion } from "@windshift/contract/api/skill.ts";
import { UserKind, type UserRef } from "@windshift/contract/api/user.ts";
import { AppError, assert } from "@windshift/contract/app-error.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { Scope } from "../http/access.ts";
import { isoTime } from "../http/json.ts";
import { parseRowId } from "../http/params.ts";

/** Scope of paths with a `{skill}`. */
export const skillScope: Scope = async (db, params) => {
  const id = parseRowId(params.skill);
  const row = id === undefined ? undefined : await findSkillRow(db, id);
  return row && { workspaceId: row.workspace_id };
};

/** Undefined also for one that was deleted. */
export function findSkillRow(db: Queries, id: number): Promise<Row<"skills"> | undefined> {
  return db
    .selectFrom("skills")
    .selectAll()
    .where("id", "=", id)
    .where("deleted_at_ms", "is", null)
    .executeTakeFirst();
}

/**
 * Reads a skill to change it; in PostgreSQL it stays as it is until the transaction ends.
 * @throws AppError `not_found`
 */
export async function lockSkill(database: Database, tx: Queries, id: number): Promise<Row<"skills">> {
  let query = tx.selectFrom("skills").selectAll().where("id", "=", id).where("deleted_at_ms", "is", null);
  if (database.engine === "postgres") query = query.forUpdate();
  const row = await query.executeTakeFirst();
  if (row === undefined) throw new AppError("not_found", "not found");
  return row;
}

/** The text that a skill has now. */
export function getCurrentVersion(
  db: Queries,
  skill: Pick<Row<"skills">, "id" | "version">,
): Promise<Row<"skill_versions">> {
  return db
    .selectFrom("skill_versions")
    .selectAll()
    .where("skill_id", "=", skill.id)
    .where("version", "=", skill.version)
    .executeTakeFirstOrThrow();
}

/** @throws AppError `conflict` when another skill of the workspace has the name, whatever its case */
export async function requireFreeName(
  tx: Queries,
  workspaceId: number,
  name: string,
  except?: number,
): Promise<void> {
  const other = await tx
    .selectFrom("skills")
    .select(["id", "name"])
    .where("workspace_id", "=", workspaceId)
    .where("name_key", "=", nameKeyOf(name))
    .where("deleted_at_ms", "is", null)
    .executeTakeFirst();
  if (other === undefined || other.id === except) return;
  const message = `the workspace has a skill called ${other.name} already; choose another name`;
  throw new AppError("conflict", `name: ${message}`, { details: [{ path: "name", message }] });
}

/** What names are told apart by: agents and people write them in any case. */
export function nameKeyOf(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

/** Of a workspace, without those that were deleted. */
export async function countSkills(db: Queries, workspaceId: number): Promise<number> {
  const { count } = await db
    .selectFrom("skills")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("workspace_id", "=", workspaceId)
    .where("deleted_at_ms", "is", null)
    .executeTakeFirstOrThrow();
  return count;
}

/** By name; or the one with this id. Without their texts. */
export async function listSkills(
  db: Queries,
  of: { workspaceId: number } | { id: number },
): Promise<Skill[]> {
  const rows = await db
    .selectFrom("skills")
    .innerJoin("skill_versions", (join) =>
      join
        .onRef("skill_versions.skill_id", "=", "skills.id")
        .onRef("skill_versions.version", "=", "skills.version"),
    )
    .innerJoin("user", "user.id", "skills.updated_by")
    .select([
      "skills.id",
      "skills.name",
      "skills.enabled",
      "skills.version",
      "skills.created_at_ms",
      "skills.updated_at_ms",
      "skill_versions.description",
      "skill_versions.bytes",
      "skill_versions.sha256",
      "user.id as user_id",
      "user.name as user_name",
      "user.kind as user_kind",
    ])
    .select((eb) =>
      eb
        .selectFrom("binding_skills")
        .select((sub) => sub.fn.countAll<number>().as("count"))
        .whereRef("binding_skills.skill_id", "=", "skills.id")
        .as("bindings_count"),
    )
    .where("skills.deleted_at_ms", "is", null)
    .where((eb) =>
      "id" in of ? eb("skills.id", "=", of.id) : eb("skills.workspace_id", "=", of.workspaceId),
    )
    .orderBy("skills.name_key")
    .execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    enabled: row.enabled === 1,
    version: row.version,
    sha256: row.sha256,
    bytes: row.bytes,
    bindings_count: row.bindings_count ?? 0,
    created_at: isoTime(row.created_at_ms),
    updated_at: isoTime(row.updated_at_ms),
    updated_by: refOf(row),
  }));
}

/** A skill with its current text. The caller knows that it is there. */
export async function getSkill(db: Queries, id: number): Promise<SkillDetail> {
  const [skill] = await listSkills(db, { id });
  assert(skill !== undefined, `skill ${id} was there a moment ago`);
  const { body } = await getCurrentVersion(db, { id, version: skill.version });
  return { ...skill, body };
}

/** Newest first, those below `before`. */
export async function listVersions(
  db: Queries,
  skill: number,
  page: { before: number | undefined; limit: number },
): Promise<SkillVersion[]> {
  let query = db
    .selectFrom("skill_versions")
    .innerJoin("user", "user.id", "skill_versions.author_id")
    .select(["version", "skill_versions.name", "description", "body", "sha256", "created_at_ms"])
    .select(["user.id as user_id", "user.name as user_name", "user.kind as user_kind"])
    .where("skill_id", "=", skill);
  if (page.before !== undefined) query = query.where("version", "<", page.before);
  const rows = await query.orderBy("version", "desc").limit(page.limit).execute();
  return rows.map(({ created_at_ms, user_id, user_name, user_kind, ...row }) => ({
    ...row,
    author: refOf({ user_id, user_name, user_kind }),
    created_at: isoTime(created_at_ms),
  }));
}

function refOf(row: { user_id: string; user_name: string; user_kind: string }): UserRef {
  return { id: row.user_id, name: row.user_name, kind: UserKind.parse(row.user_kind) };
}
