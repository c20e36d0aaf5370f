import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Binding, BindingPatch } from "@windshift/contract/api/binding.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { changeBinding } from "./binding.ts";

interface Refusal {
  error: { code: string; message: string; details?: { path: string }[] };
}
const AT = "/api/v1/workspaces/BIND/bindings";
let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "BIND");
});
afterAll(() => server.close());

const newAgent = async (name: string) =>
  (await create<{ id: string }>(admin, "/api/v1/workspaces/BIND/agents", { name })).id;
const wanted = (agent: string) => ({
  agent_user_id: agent,
  repository_id: workspace.repository.id,
  llm_connection_id: workspace.llm.id,
  model: "scripted-1",
});

describe("a binding", () => {
  test("has the defaults that are documented", () => {
    expect(workspace.binding).toMatchObject({
      agent: { id: workspace.agent.id, kind: "agent" },
      base_branch: "main",
      model: "scripted-1",
      instructions: "",
      limits: { wall_clock_ms: 28_800_000, turns: 200 },
      image: null,
      pool: "local",
      enabled: true,
    });
  });

  test("keeps what it was not asked to change", async () => {
    const made = await create<Binding>(admin, AT, {
      ...wanted(await newAgent("Patch")),
      instructions: "Be brief.",
    });
    const patched = await admin.patch<Binding>(`/api/v1/bindings/${made.id}`, {
      enabled: false,
      limits: { wall_clock_ms: 60_000, turns: 5 },
    });
    expect(patched.body).toEqual({ ...made, enabled: false, limits: { wall_clock_ms: 60_000, turns: 5 } });
    expect((await admin.delete(`/api/v1/bindings/${made.id}`)).status).toBe(204);
    expect((await admin.get(`/api/v1/bindings/${made.id}`)).status).toBe(404);
  });

  test("is refused with the field that is wrong and what to do", async () => {
    const agent = await newAgent("Wrong");
    const me = (await admin.get<{ id: string }>("/api/v1/me")).body.id;
    const cases: [object, string, number][] = [
      [{ agent_user_id: me }, "agent_user_id", 400],
      [{ agent_user_id: "nobody" }, "agent_user_id", 400],
      [{ repository_id: 99_999 }, "repository_id", 400],
      [{ base_branch: "none" }, "base_branch", 400],
      [{ base_branch: "--upload-pack=x" }, "base_branch", 400],
      [{ llm_connection_id: workspace.git.id }, "llm_connection_id", 400],
      [{ model: null }, "model", 400],
      [{ model: "a model" }, "model", 400],
      [{ pool: "none" }, "pool", 400],
      [{ image: "--privileged" }, "image", 400],
      [{ limits: { turns: 0 } }, "limits.turns", 400],
      [{ limits: { wall_clock_ms: 999_999_999 } }, "limits.wall_clock_ms", 400],
      [{ instructions: "x".repeat(8_001) }, "instructions", 400],
    ];
    for (const [change, path, status] of cases) {
      const reply = await admin.post<Refusal>(AT, { ...wanted(agent), ...change });
      expect([path, reply.status, reply.body.error.details?.map((d) => d.path)]).toEqual([
        path,
        status,
        [path],
      ]);
    }
  });

  test("WB-15 takes no field that is not an admin's to set", async () => {
    const agent = await newAgent("Mass");
    for (const field of [
      { workspace_id: 1 },
      { pool_id: 1 },
      { budget_spent: 0 },
      { limits: { ref: "main" } },
    ])
      expect((await admin.post(AT, { ...wanted(agent), ...field })).status).toBe(400);
  });

  test("names up to four fallbacks, each an LLM connection of the workspace and none twice", async () => {
    const at = `/api/v1/bindings/${workspace.binding.id}`;
    const other = { llm_connection_id: workspace.llm.id, model: "scripted-2" };
    const patched = await admin.patch<Binding>(at, {
      fallbacks: [other],
      budget: { run: { tokens_max: 1_000 } },
      push_policy: { secrets: "flag" },
    });
    expect(patched.body).toMatchObject({
      fallbacks: [other],
      budget: { run: { tokens_max: 1_000, cost_micros_max: null }, month: { tokens_max: null } },
      push_policy: { ci_files: "refuse", secrets: "flag" },
    });
    const first = { llm_connection_id: workspace.llm.id, model: "scripted-1" };
    const cases: [object[], string][] = [
      [[first], "fallbacks.0.model"],
      [[other, other], "fallbacks.1.model"],
      [[{ llm_connection_id: workspace.git.id, model: "x" }], "fallbacks.0.llm_connection_id"],
      [[{ llm_connection_id: 99_999, model: "x" }], "fallbacks.0.llm_connection_id"],
      [["a", "b", "c", "d", "e"].map((model) => ({ ...other, model })), "fallbacks"],
    ];
    for (const [fallbacks, path] of cases) {
      const reply = await admin.patch<Refusal>(at, { fallbacks });
      expect([path, reply.status, reply.body.error.details?.[0]?.path]).toEqual([path, 400, path]);
    }
    for (const budget of [{ run: { tokens_max: 0 } }, { month: { cost_micros_max: 1.5 } }, { day: {} }])
      expect((await admin.patch(at, { budget })).status).toBe(400);
    await admin.patch(at, { fallbacks: [], budget: {}, push_policy: {} });
  });

  test("is one per agent in a workspace", async () => {
    expect((await admin.post(AT, wanted(workspace.agent.id))).status).toBe(409);
  });

  test("may leave model and connection to the server's settings", async () => {
    const agent = await newAgent("Default");
    const made = await create<Binding>(admin, AT, {
      agent_user_id: agent,
      repository_id: workspace.repository.id,
    });
    expect([made.llm_connection_id, made.model]).toEqual([null, null]);
  });
});

describe("two changes of a binding at once", () => {
  const ALTERED = "altered";
  let made: Binding;
  let other: { id: number; path: string };
  beforeAll(async () => {
    made = await create<Binding>(admin, AT, wanted(await newAgent("Twice")));
    other = await create(admin, "/api/v1/workspaces/BIND/repositories", {
      connection_id: workspace.git.id,
      owner: "acme",
      name: "elsewhere",
    });
    for (const branch of ["main", ALTERED])
      await gitOut(["push", "--quiet", other.path, `HEAD:refs/heads/${branch}`], workspace.workDir);
  });
  /** A change that a forge holds up until `meanwhile` is done. */
  const changeWhile = (patch: object, meanwhile: () => Promise<unknown>) => {
    const readBranch = async (repository: number, branch: string) => {
      await meanwhile();
      return server.forge.readBranch(repository, branch);
    };
    return changeBinding({ database: server.database, readBranch }, made.id, BindingPatch.parse(patch), by);
  };
  let by: string;
  beforeAll(async () => {
    by = (await admin.get<{ id: string }>("/api/v1/me")).body.id;
  });
  const at = () => `/api/v1/bindings/${made.id}`;

  test("end in a conflict when the one was checked against what the other changed", async () => {
    const toOther = { repository_id: other.id, base_branch: ALTERED };
    await expect(
      changeWhile({ model: "scripted-9" }, () => admin.patch(at(), toOther)),
    ).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("repository_id, base_branch"),
    });
    expect((await admin.get<Binding>(at())).body).toMatchObject({ ...toOther, model: "scripted-1" });
  });

  test("are both kept when they have nothing to do with one another", async () => {
    await changeWhile({ enabled: false }, () => admin.patch(at(), { instructions: "Be brief." }));
    expect((await admin.get<Binding>(at())).body).toMatchObject({
      instructions: "Be brief.",
      enabled: false,
      base_branch: ALTERED,
    });
  });

  test("when the binding is gone, there is nothing to change", async () => {
    await expect(changeWhile({ enabled: true }, () => admin.delete(at()))).rejects.toMatchObject({
      code: "not_found",
    });
  });
});

describe("a repository", () => {
  const post = (body: object) =>
    admin.post<Refusal>("/api/v1/workspaces/BIND/repositories", {
      connection_id: workspace.git.id,
      owner: "acme",
      name: "other",
      ...body,
    });

  test("is one per owner and name, and its name stays inside its folder", async () => {
    expect((await post({})).status).toBe(201);
    expect((await post({})).status).toBe(409);
    for (const name of ["..", ".", "../x", "a/b", "-x", ".hidden", "", "a b", "x\0"])
      expect([name, (await post({ name })).status]).toEqual([name, 400]);
    expect((await post({ name: "x", connection_id: workspace.llm.id })).status).toBe(400);
  });

  test("shows its folder to administrators of the installation alone", async () => {
    const { id, client } = await server.addPerson(admin, "Walt");
    await admin.post("/api/v1/workspaces/BIND/members", { user_id: id, role: "admin" });
    const path = `/api/v1/repositories/${workspace.repository.id}`;
    expect((await admin.get(path)).body).toHaveProperty("path");
    expect((await client.get(path)).body).not.toHaveProperty("path");
  });
});
