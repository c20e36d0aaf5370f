import { expect, test } from "bun:test";
import { Oid, RunId } from "@windshift/contract/ids.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { FORGE_TEST_MS_MAX, useForgeScene } from "../testing/forge-scene.ts";

const at = useForgeScene(startForgejoServer, "LOST");

test(
  "a merge that is first seen when the pull request is asked for again ends the item",
  async () => {
    const key = await at.workspace.assign();
    const job = await at.claimed(key);
    await at.workspace.work(job, { "lost.txt": "x\n" });
    const run = await at.workspace.ended(key);
    const pull = run.pull_request;
    if (pull === null) throw new Error("no pull request");
    const db = at.server.database.kysely;
    // Its next poll is far then, so that asking again is the first to see the merge.
    await at.server.database.signals.notify("forges");
    await eventually("it was looked at", async () => {
      const row = await db.selectFrom("pull_requests").select("synced_at_ms").where("id", "=", pull.id);
      return (await row.executeTakeFirstOrThrow()).synced_at_ms !== null;
    });
    await at.forge.merge(pull.number);
    const row = await db
      .selectFrom("pull_requests")
      .selectAll()
      .where("id", "=", pull.id)
      .executeTakeFirstOrThrow();
    const opened = await at.server.forge.openPullRequest({
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
    await at.server.database.signals.notify("forges");
    await eventually(
      "the item is done",
      async () => (await at.admin.get<{ status: string }>(`/api/v1/items/${key}`)).body.status === "done",
    );
    const { runs } = (
      await at.admin.get<{ runs: { pull_request: { state: string } }[] }>(`/api/v1/items/${key}/agent-runs`)
    ).body;
    expect(runs[0]?.pull_request.state).toBe("merged");
  },
  FORGE_TEST_MS_MAX,
);
