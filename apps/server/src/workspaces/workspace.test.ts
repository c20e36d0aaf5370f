import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Repository } from "@windshift/contract/api/repository.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create } from "../testing/test-workspace.ts";

let server: TestServer;
let ada: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  ada = await server.setUp();
  await create(ada, "/api/v1/workspaces", { key: "DEMO", name: "Demo" });
});
afterAll(() => server?.close());

test("an admin renames a workspace, and nobody else does", async () => {
  const mel = await server.addPerson(ada, "Mel");
  await ada.post("/api/v1/workspaces/DEMO/members", { user_id: mel.id, role: "member" });
  expect((await mel.client.patch("/api/v1/workspaces/DEMO", { name: "Mine" })).status).toBe(403);
  expect((await ada.patch("/api/v1/workspaces/DEMO", { name: " " })).status).toBe(400);
  const renamed = await ada.patch("/api/v1/workspaces/DEMO", { name: "Shop" });
  expect([renamed.status, renamed.body]).toMatchObject([200, { key: "DEMO", name: "Shop", role: "admin" }]);
  const audit = await server.database.kysely
    .selectFrom("audit_log")
    .select("data")
    .where("action", "=", "workspace.renamed")
    .execute();
  expect(audit).toEqual([{ data: '{"name":"Shop"}' }]);
});

test("a repository of the server begins with a README when that is asked for, and else is empty", async () => {
  const at = "/api/v1/workspaces/DEMO";
  const git = await create<{ id: number }>(ada, `${at}/connections`, { kind: "git", name: "Local" });
  const wanted = { connection_id: git.id, owner: "team" };
  const begun = await create<Repository>(ada, `${at}/repositories`, {
    ...wanted,
    name: "shop",
    readme: true,
  });
  expect(await gitOut(["show", "main:README.md"], begun.path ?? "")).toBe("# shop");
  const empty = await create<Repository>(ada, `${at}/repositories`, { ...wanted, name: "bare" });
  expect(await gitOut(["for-each-ref"], empty.path ?? "")).toBe("");
});
