import {
  Member,
  NewMember,
  NewWorkspace,
  Workspace,
  WorkspacePatch,
} from "@windshift/contract/api/workspace.ts";
import { AppError, assert } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import { record } from "../audit/audit-store.ts";
import type { Database } from "../db/database.ts";
import { grantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import type { RouteTable } from "../http/route-table.ts";
import { putMember, takeMemberOut } from "./membership.ts";
import { listMembers, setRole } from "./membership-store.ts";
import { createWorkspace, listWorkspaces, renameWorkspace, workspaceScope } from "./workspace-store.ts";

const KeyParams = z.object({ key: z.string() });
const MemberParams = z.object({ key: z.string(), user: z.string() });
const MemberList = z.object({ members: z.array(Member) });

/** Workspaces and their members. */
export function addWorkspaceRoutes(table: RouteTable, ports: { database: Database }): void {
  const { database } = ports;
  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces",
      access: "instance_admin",
      summary: "Make a workspace; the caller becomes its admin",
      request: { body: jsonBody(NewWorkspace) },
      responses: { 201: jsonReply(Workspace, "The workspace") },
    },
    async (c) => {
      const { userId } = personOf(c);
      const wanted = c.req.valid("json");
      await database.transaction(async (tx) => {
        const workspaceId = await createWorkspace(tx, wanted);
        await setRole(tx, { workspaceId, userId, role: "admin" });
        const subject = `workspace ${wanted.key}`;
        await record(tx, { workspaceId, actor: { user: userId }, action: "workspace.created", subject });
      });
      const made = (await listWorkspaces(database.kysely, userId)).find((w) => w.key === wanted.key);
      assert(made !== undefined, "a workspace's maker is a member of it");
      return c.json(made, 201);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces",
      access: "person",
      summary: "The caller's workspaces",
      responses: { 200: jsonReply(z.object({ workspaces: z.array(Workspace) }), "By key") },
    },
    async (c) => c.json({ workspaces: await listWorkspaces(database.kysely, personOf(c).userId) }, 200),
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}",
      access: { role: "viewer", in: workspaceScope },
      summary: "One workspace",
      request: { params: KeyParams },
      responses: { 200: jsonReply(Workspace, "The workspace") },
    },
    async (c) => {
      const { key } = c.req.valid("param");
      const found = (await listWorkspaces(database.kysely, personOf(c).userId)).find((w) => w.key === key);
      if (found === undefined) throw new AppError("not_found", "not found");
      return c.json(found, 200);
    },
  );

  table.add(
    {
      method: "patch",
      path: "/api/v1/workspaces/{key}",
      access: { role: "admin", in: workspaceScope },
      summary: "Give a workspace another name",
      request: { params: KeyParams, body: jsonBody(WorkspacePatch) },
      responses: { 200: jsonReply(Workspace, "The workspace now") },
    },
    async (c) => {
      const { userId } = personOf(c);
      const { workspaceId } = grantOf(c);
      const { key } = c.req.valid("param");
      const { name } = c.req.valid("json");
      await database.transaction(async (tx) => {
        await renameWorkspace(tx, workspaceId, name);
        const subject = `workspace ${key}`;
        const actor = { user: userId };
        await record(tx, { workspaceId, actor, action: "workspace.renamed", subject, data: { name } });
      });
      const now = (await listWorkspaces(database.kysely, userId)).find((one) => one.key === key);
      if (now === undefined) throw new AppError("not_found", "not found");
      return c.json(now, 200);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/members",
      access: { role: "viewer", in: workspaceScope },
      summary: "People and agents of the workspace: who can be assigned",
      request: { params: KeyParams },
      responses: { 200: jsonReply(MemberList, "By name") },
    },
    async (c) => c.json({ members: await listMembers(database.kysely, grantOf(c).workspaceId) }, 200),
  );

  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/members",
      access: { role: "admin", in: workspaceScope },
      summary: "Add somebody, or give a member another role",
      request: { params: KeyParams, body: jsonBody(NewMember) },
      responses: { 200: jsonReply(MemberList, "The members now") },
    },
    async (c) => {
      const member = c.req.valid("json");
      const { workspaceId } = grantOf(c);
      await putMember(database, {
        workspaceId,
        userId: member.user_id,
        role: member.role,
        by: personOf(c).userId,
      });
      return c.json({ members: await listMembers(database.kysely, workspaceId) }, 200);
    },
  );

  table.add(
    {
      method: "delete",
      path: "/api/v1/workspaces/{key}/members/{user}",
      access: { role: "admin", in: workspaceScope },
      summary: "Take somebody out of the workspace",
      request: { params: MemberParams },
      responses: { 200: jsonReply(MemberList, "The members now") },
    },
    async (c) => {
      const { workspaceId } = grantOf(c);
      await takeMemberOut(database, {
        workspaceId,
        userId: c.req.valid("param").user,
        by: personOf(c).userId,
      });
      return c.json({ members: await listMembers(database.kysely, workspaceId) }, 200);
    },
  );
}
