import { afterAll, beforeAll, expect, test } from "bun:test";
import { Oid, RunId } from "@windshift/contract/ids.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { ForgeServer } from "@windshift/testing/forges/forge-server.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { createForgeWorkspace, type ForgeWorkspace } from "../testing/forge-workspace.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

const TEST_MS_MAX = 60_000;
let forge: ForgeServer;
let server: TestServer;
let admin: TestClient;
let workspace: ForgeWorkspace;
beforeAll(async () => {
  forge = await startForgejoServer();
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createForgeWorkspace(server, admin, forge, "LOST");
}, TEST_MS_MAX);
afterAll(async () => {
  await workspace?.stop();
  await server?.close();
  await forge?.stop();
}, TEST_MS_MAX);

test(
  "a merge that is first seen when the pull request is asked for again ends the item",
  async () => {
    const key = await workspace.assign();
    const job = await workspace.claim(key);
    if (job === undefined) throw new Error("no job");
    await workspace.work(job, { "lost.txt": "x\n" });
    const run = await workspace.ended(key);
    const pull = run.pull_request;
    if (pull === null) throw new Error("no pull request");
    const db = server.database.kysely;
    // Its next poll is far then, so that asking again is the first to see the merge.
    await server.database.signals.notify("forges");
    await eventually("it was looked at", async () => {
      const row = await db.selectFrom("pull_requests").select("synced_at_ms").where("id", "=", pull.id);
      return (await row.executeTakeFirstOrThrow()).synced_at_ms !== null;
    });
    await forge.merge(pull.number);
    const row = await db
      .selectFrom("pull_requests")
      .selectAll()
      .where("id", "=", pull.id)
      .executeTakeFirstOrThrow();
    const opened = await server.forge.openPullRequest({
      runId: RunId.parse(run.id),
      workItemId: row.work_item_id,
      repositoryId: row.repository_id,
      title: row.title,
      body: row.body,
      sourceBranch: row.source_branch,
      targetBranch: row.target_branch,
      baseOid: Oid.parse(row.base_oid),
      headOid: Oid.parse(row.head_oid),
    });
    expect(opened.state).toBe("merged");
    await server.database.signals.notify("forges");
    await eventually(
      "the item is done",
      async () => (await admin.get<{ status: string }>(`/api/v1/items/${key}`)).body.status === "done",
    );
    const { runs } = (
      await admin.get<{ runs: { pull_request: { state: string } }[] }>(`/api/v1/items/${key}/agent-runs`)
    ).body;
    expect(runs[0]?.pull_request.state).toBe("merged");
  },
  TEST_MS_MAX,
);
