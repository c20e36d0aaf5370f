import { createHash } from "node:crypto";
import type { NewSkill, SkillPatch } from "@windshift/contract/api/skill.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { WORKSPACE_SKILLS_MAX } from "@windshift/contract/limits.ts";
import { record } from "../audit/audit-store.ts";
import type { Database, Queries } from "../db/database.ts";
import { countSkills, getCurrentVersion, lockSkill, nameKeyOf, requireFreeName } from "./skill-store.ts";

interface Text {
  name: string;
  description: string;
  body: string;
}

/**
 * @returns its id
 * @throws AppError `conflict` when the name is taken or the workspace has all the skills it may
 */
export async function createSkill(
  database: Database,
  wanted: NewSkill & { workspaceId: number; by: string },
): Promise<number> {
  const { workspaceId, by, enabled, ...text } = wanted;
  return database.transaction(async (tx) => {
    // Whoever else adds one waits: the count and the name hold at the end as well.
    await tx
      .updateTable("workspaces")
      .set((eb) => ({ name: eb.ref("name") }))
      .where("id", "=", workspaceId)
      .execute();
    if ((await countSkills(tx, workspaceId)) >= WORKSPACE_SKILLS_MAX)
      throw new AppError(
        "conflict",
        `the workspace has ${WORKSPACE_SKILLS_MAX} skills, which is all it may; delete one`,
      );
    await requireFreeName(tx, workspaceId, text.name);
    const now = Date.now();
    const { id } = await tx
      .insertInto("skills")
      .values({
        workspace_id: workspaceId,
        name: text.name,
        name_key: nameKeyOf(text.name),
        version: 1,
        enabled: enabled ? 1 : 0,
        created_at_ms: now,
        updated_at_ms: now,
        updated_by: by,
        deleted_at_ms: null,
      })
      .returning("id")
      .executeTakeFirstOrThrow();
    const sha256 = await insertVersion(tx, { skill: id, version: 1, by, text });
    await audit(tx, "skill.created", { id, workspaceId, by }, { name: text.name, sha256 });
    return id;
  });
}

/**
 * Changes what the patch names. A change of the text is a new version; runs that are queued keep the one they were given.
 * @throws AppError `conflict` when the name is taken, or the text is not the one that `expected_version` says
 */
export async function changeSkill(
  database: Database,
  id: number,
  patch: SkillPatch,
  by: string,
): Promise<void> {
  await database.transaction(async (tx) => {
    const row = await lockSkill(database, tx, id);
    const { expected_version: expected } = patch;
    if (expected !== undefined && expected !== row.version)
      throw new AppError(
        "conflict",
        `the skill was changed meanwhile: it has version ${row.version}, not ${expected}; look at it and change it again`,
      );
    const before = await getCurrentVersion(tx, row);
    const text: Text = {
      name: patch.name ?? before.name,
      description: patch.description ?? before.description,
      body: patch.body ?? before.body,
    };
    const changed = (["name", "description", "body"] as const).filter(
      (field) => text[field] !== before[field],
    );
    const enabled = patch.enabled === undefined ? row.enabled : Number(patch.enabled);
    if (changed.length === 0 && enabled === row.enabled) return;
    if (changed.includes("name")) await requireFreeName(tx, row.workspace_id, text.name, id);
    const version = changed.length > 0 ? row.version + 1 : row.version;
    const sha256 =
      changed.length > 0 ? await insertVersion(tx, { skill: id, version, by, text }) : before.sha256;
    await tx
      .updateTable("skills")
      .set({
        name: text.name,
        name_key: nameKeyOf(text.name),
        version,
        enabled,
        updated_at_ms: Date.now(),
        updated_by: by,
      })
      .where("id", "=", id)
      .execute();
    const of = { id, workspaceId: row.workspace_id, by };
    await audit(tx, "skill.changed", of, {
      name: text.name,
      changed: [...changed, ...(enabled === row.enabled ? [] : ["enabled"])].join(" "),
      version,
      sha256,
      enabled: enabled === 1,
    });
  });
}

/** Takes a skill out of the library and out of all bindings. Runs that were given it keep it. */
export async function deleteSkill(database: Database, id: number, by: string): Promise<void> {
  await database.transaction(async (tx) => {
    const row = await lockSkill(database, tx, id);
    await tx.deleteFrom("binding_skills").where("skill_id", "=", id).execute();
    await tx.updateTable("skills").set({ deleted_at_ms: Date.now() }).where("id", "=", id).execute();
    await audit(tx, "skill.deleted", { id, workspaceId: row.workspace_id, by }, { name: row.name });
  });
}

async function insertVersion(
  tx: Queries,
  { skill, version, by, text }: { skill: number; version: number; by: string; text: Text },
): Promise<string> {
  const sha256 = createHash("sha256").update(text.body).digest("hex");
  await tx
    .insertInto("skill_versions")
    .values({
      skill_id: skill,
      version,
      ...text,
      sha256,
      bytes: Buffer.byteLength(text.body),
      author_id: by,
      created_at_ms: Date.now(),
    })
    .execute();
  return sha256;
}

function audit(
  tx: Queries,
  action: string,
  { id, workspaceId, by }: { id: number; workspaceId: number; by: string },
  data: Record<string, string | number | boolean>,
): Promise<void> {
  return record(tx, { workspaceId, actor: { user: by }, action, subject: `skill ${id}`, data });
}
