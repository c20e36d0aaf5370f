import type { Binding } from "@windshift/contract/api/binding.ts";
import type { StartedCliLogin } from "@windshift/contract/api/cli-login.ts";
import type { InvitationWithLink } from "@windshift/contract/api/invitation.ts";
import type { Skill } from "@windshift/contract/api/skill.ts";
import type { ApiTokenWithSecret, TokenScope } from "@windshift/contract/api/token.ts";
import { assert } from "@windshift/contract/app-error.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, mintToken } from "../testing/test-host.ts";
import type { TestServer } from "../testing/test-server.ts";
import { create, createTestWorkspace, type LiveRun, startLiveRun } from "../testing/test-workspace.ts";

/** Everybody who may knock at the workspace MAIN, by name. */
export const CALLERS = [
  "anonymous",
  "badToken",
  "runner",
  "outsider",
  "viewer",
  "member",
  "admin",
  "instanceAdmin",
  "ownRun",
  "otherRun",
  "adminReads",
  "adminWrites",
  "adminAdministrates",
  "viewerAdministrates",
  "instanceReads",
  "instanceAdministrates",
] as const;
export type Caller = (typeof CALLERS)[number];

export interface MatrixScene {
  callers: Record<Caller, TestClient>;
  /** A path with something real of MAIN for each of its parameters. @throws Error for one that is not known here */
  fill(path: string): string;
}

/** A workspace with one of everything, and one caller of every kind. */
export async function createMatrixScene(server: TestServer): Promise<MatrixScene> {
  const founder = await server.setUp();
  const main = await createTestWorkspace(founder, "MAIN");
  const elsewhere = await createTestWorkspace(founder, "ELSE");
  const skill = await create<Skill>(founder, "/api/v1/workspaces/MAIN/skills", {
    name: "skill",
    description: "x",
    body: "x",
  });
  await founder.patch<Binding>(`/api/v1/bindings/${main.binding.id}`, { skill_ids: [skill.id] });
  const own = await startLiveRun(server, founder, main);
  const other = await startLiveRun(server, founder, elsewhere);
  const person = async (name: string, key: string | undefined, role: string) => {
    const made = await server.addPerson(founder, name);
    if (key !== undefined)
      await founder.post(`/api/v1/workspaces/${key}/members`, { user_id: made.id, role });
    return made;
  };
  const boss = await person("Boss", "MAIN", "admin");
  const viewer = await person("Viewer", "MAIN", "viewer");
  const instance = await person("Instance", undefined, "");
  await founder.patch(`/api/v1/admin/users/${instance.id}`, { admin: true });
  const pool = await createPool(founder, { name: "hosts" });
  const host = await addHost(server, founder, pool);
  const token = async ({ client }: { client: TestClient }, scope: TokenScope) =>
    server.withToken(
      (await create<ApiTokenWithSecret>(client, "/api/v1/tokens", { name: scope, scopes: [scope] })).token,
    );
  const values = {
    ...(await createThings(server, founder, own)),
    key: "MAIN",
    item: own.item.key,
    id: own.runId,
    user: boss.id,
    connection: main.llm.id,
    repository: main.repository.id,
    binding: main.binding.id,
    skill: skill.id,
    name: skill.name,
    model: "scripted-1",
    pool: pool.id,
    token: (await mintToken(founder, pool)).id,
    runner: host.registered.instance_id,
    run: own.runId,
    pull_request: await insertPullRequest(server, own, main),
  };
  return {
    fill: (path) => fillWith(path, values),
    callers: {
      anonymous: server.stranger(),
      badToken: server.withToken(`wst_${"x".repeat(43)}`),
      runner: host.client,
      outsider: (await person("Outsider", "ELSE", "admin")).client,
      viewer: viewer.client,
      member: (await person("Member", "MAIN", "member")).client,
      admin: boss.client,
      instanceAdmin: instance.client,
      ownRun: server.withToken(own.token),
      otherRun: server.withToken(other.token),
      adminReads: await token(boss, "read"),
      adminWrites: await token(boss, "write"),
      adminAdministrates: await token(boss, "admin"),
      viewerAdministrates: await token(viewer, "admin"),
      instanceReads: await token(instance, "read"),
      instanceAdministrates: await token(instance, "admin"),
    },
  };
}

async function createThings(server: TestServer, founder: TestClient, own: LiveRun) {
  const at = "/api/v1/workspaces/MAIN";
  const made = async (path: string, body: object) => (await create<{ id: number }>(founder, path, body)).id;
  const page = await made(`${at}/pages`, { title: "x" });
  await founder.send("PUT", `/api/v1/items/${own.item.key}/pages/${page}`, {});
  const login = await create<StartedCliLogin>(server.stranger(), "/api/v1/cli-logins", { client_name: "x" });
  return {
    page,
    version: 1,
    comment: await made(`/api/v1/items/${own.item.key}/comments`, { body: "x" }),
    label: await made(`${at}/labels`, { name: "x" }),
    view: await made(`${at}/views`, { name: "x", query: {}, shared: true }),
    invitation: (await create<InvitationWithLink>(founder, `${at}/invitations`, {})).id,
    user_code: login.user_code,
    session: "a-session",
    backup: "windshift-20260101T000000Z.tar",
  };
}

/** One without a change, so that its pages can be read. */
async function insertPullRequest(
  server: TestServer,
  own: LiveRun,
  main: { repository: { id: number }; baseOid: string },
): Promise<number> {
  const now = Date.now();
  const { work_item_id } = await server.database.kysely
    .selectFrom("runs")
    .select("work_item_id")
    .where("id", "=", own.runId)
    .executeTakeFirstOrThrow();
  const { id } = await server.database.kysely
    .insertInto("pull_requests")
    .values({
      repository_id: main.repository.id,
      number: 1,
      run_id: own.runId,
      work_item_id,
      title: "x",
      body: "x",
      source_branch: "agent-runs/run-1",
      target_branch: "main",
      base_oid: main.baseOid,
      head_oid: main.baseOid,
      draft: 1,
      state: "open",
      merged_oid: null,
      decided_by: null,
      created_at_ms: now,
      updated_at_ms: now,
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id;
}

function fillWith(path: string, values: Record<string, string | number>): string {
  return path.replace(/[{:]([a-z_]+)\}?/g, (_, name: string) => {
    const value = values[name];
    assert(value !== undefined, `the matrix has nothing for the parameter ${name} of ${path}`);
    return String(value);
  });
}
