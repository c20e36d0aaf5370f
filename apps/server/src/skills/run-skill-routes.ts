import { AttachedSkillDetail, AttachedSkillList } from "@windshift/contract/api/skill.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import type { Scope } from "../http/access.ts";
import { asRead } from "../http/agent-reading.ts";
import { callerOf } from "../http/api-env.ts";
import { jsonReply } from "../http/json.ts";
import { RowIdParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { listAttached, readAttached } from "./run-skill-store.ts";

const RunParams = z.object({ id: RowIdParam });
const SkillParams = RunParams.extend({ name: z.string().min(1).max(500) });
const tags = ["skills"];

/**
 * What the agent of a run reads of its skills: those attached to it, in the version it was given, nothing else (PI-11).
 * People of the workspace see the same; only the agent's reading is noted.
 * @param runScope finds the run of the path
 */
export function addRunSkillRoutes(
  table: RouteTable,
  { database, runScope }: { database: Database; runScope: Scope },
): void {
  const access = { role: "viewer", in: runScope, run: "own_run" } as const;
  table.add(
    {
      method: "get",
      path: "/api/v1/agent-runs/{id}/skills",
      access,
      tags,
      summary: "Skills that a run was given",
      request: { params: RunParams },
      responses: { 200: jsonReply(AttachedSkillList, "In the order of the prompt") },
    },
    async (c) => c.json({ skills: await listAttached(database.kysely, c.req.valid("param").id) }, 200),
  );
  table.add(
    {
      method: "get",
      path: "/api/v1/agent-runs/{id}/skills/{name}",
      access,
      tags,
      summary: "The text of a skill as a run was given it",
      request: { params: SkillParams },
      responses: { 200: jsonReply(AttachedSkillDetail, "The skill; that the agent read it is noted") },
    },
    async (c) => {
      const { id, name } = c.req.valid("param");
      const caller = callerOf(c);
      const reader = caller.kind === "run" ? "agent" : "person";
      const skill = await readAttached(database, id, name, reader);
      if (skill === undefined)
        throw new AppError(
          "not_found",
          "this run has no skill of that name; `ws skill ls` lists those it has",
        );
      return c.json(asRead(skill, caller), 200);
    },
  );
}
