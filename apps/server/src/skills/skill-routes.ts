import {
  NewSkill,
  SkillDetail,
  SkillList,
  SkillPatch,
  SkillVersionPage,
} from "@windshift/contract/api/skill.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { grantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { CursorParam, LimitParam, RowIdParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import { changeSkill, createSkill, deleteSkill } from "./skill.ts";
import { getSkill, listSkills, listVersions, skillScope } from "./skill-store.ts";

const KeyParams = z.object({ key: z.string() });
const SkillParams = z.object({ skill: RowIdParam });
const VersionQuery = z.object({ before: CursorParam, limit: LimitParam });
const tags = ["skills"];

/** The library of skills. Anybody in the workspace reads it; its admins write it, since what it says steers agents (PI-11). */
export function addSkillRoutes(table: RouteTable, { database }: { database: Database }): void {
  const db = database.kysely;
  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/skills",
      access: { role: "viewer", in: workspaceScope },
      tags,
      summary: "Skills of the workspace",
      request: { params: KeyParams },
      responses: { 200: jsonReply(SkillList, "By name") },
    },
    async (c) => c.json({ skills: await listSkills(db, grantOf(c)) }, 200),
  );
  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/skills",
      access: { role: "admin", in: workspaceScope },
      tags,
      summary: "Add a skill",
      request: { params: KeyParams, body: jsonBody(NewSkill) },
      responses: { 201: jsonReply(SkillDetail, "The skill, its first version") },
    },
    async (c) => {
      const wanted = { ...c.req.valid("json"), workspaceId: grantOf(c).workspaceId, by: personOf(c).userId };
      return c.json(await getSkill(db, await createSkill(database, wanted)), 201);
    },
  );
  table.add(
    {
      method: "get",
      path: "/api/v1/skills/{skill}",
      access: { role: "viewer", in: skillScope },
      tags,
      summary: "One skill with its text",
      request: { params: SkillParams },
      responses: { 200: jsonReply(SkillDetail, "The skill") },
    },
    async (c) => c.json(await getSkill(db, c.req.valid("param").skill), 200),
  );
  table.add(
    {
      method: "patch",
      path: "/api/v1/skills/{skill}",
      access: { role: "admin", in: skillScope },
      tags,
      summary: "Change a skill for later runs",
      request: { params: SkillParams, body: jsonBody(SkillPatch) },
      responses: { 200: jsonReply(SkillDetail, "The skill now") },
    },
    async (c) => {
      const { skill } = c.req.valid("param");
      await changeSkill(database, skill, c.req.valid("json"), personOf(c).userId);
      return c.json(await getSkill(db, skill), 200);
    },
  );
  table.add(
    {
      method: "delete",
      path: "/api/v1/skills/{skill}",
      access: { role: "admin", in: skillScope },
      tags,
      summary: "Delete a skill; runs that were given it keep it",
      request: { params: SkillParams },
      responses: { 204: { description: "Deleted" } },
    },
    async (c) => {
      await deleteSkill(database, c.req.valid("param").skill, personOf(c).userId);
      return c.body(null, 204);
    },
  );
  table.add(
    {
      method: "get",
      path: "/api/v1/skills/{skill}/versions",
      access: { role: "viewer", in: skillScope },
      tags,
      summary: "What a skill said, newest first",
      request: { params: SkillParams, query: VersionQuery },
      responses: { 200: jsonReply(SkillVersionPage, "A page of its versions") },
    },
    async (c) => {
      const { before, limit } = c.req.valid("query");
      const versions = await listVersions(db, c.req.valid("param").skill, { before, limit });
      const last = versions.length === limit ? versions.at(-1) : undefined;
      return c.json({ versions, next_before: last && last.version > 1 ? last.version : null }, 200);
    },
  );
}
