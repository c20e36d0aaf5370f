import { RunId, runBranch } from "@windshift/contract/ids.ts";
import { commitTree, gitOut } from "@windshift/testing/git-repository.ts";
import { describeShort } from "../../apps/server/src/budgets/budget-short.ts";
import { createLocalForge } from "../../apps/server/src/pull-requests/local-forge.ts";
import type { TestClient } from "../../apps/server/src/testing/test-client.ts";
import type { TestServer } from "../../apps/server/src/testing/test-server.ts";
import {
  type LiveRun,
  startLiveRun,
  type TestWorkspace,
} from "../../apps/server/src/testing/test-workspace.ts";
import { PUBLIC_URL } from "./web.fixture.ts";

/** A run that waits because its own budget of 100,000 tokens is used up. */
export async function startUnpaidRun(
  server: TestServer,
  client: TestClient,
  workspace: TestWorkspace,
): Promise<LiveRun> {
  const budget = { run: { tokens_max: 100_000 } };
  await client.patch(`/api/v1/bindings/${workspace.binding.id}`, { budget });
  const run = await startLiveRun(server, client, workspace);
  const used = { input_tokens: 79_000, output_tokens: 1_000, cost_micros: 412_345 };
  server.holds.record({
    ...used,
    run_id: run.runId,
    attempt: 1,
    model: "scripted-1",
    status: 200,
    duration_ms: 1,
    created_at_ms: Date.now(),
  });
  await server.holds.flush();
  const { runId: scope_id, attempt } = run;
  const short = { measure: "tokens", used: 80_000, limit: 100_000, needed: 30_000 } as const;
  const need = { scope: "run", scope_id, period: "", attempt, ...short } as const;
  await letWait(server, run, {
    reason: "budget",
    detail: describeShort(need),
    budget_short: JSON.stringify(need),
  });
  await server.database.kysely
    .insertInto("budget_use")
    .values({ scope: "run", scope_id, period: "", tokens: 80_000, cost_micros: 412_345 })
    .execute();
  return run;
}

/** A run whose agent asked something and gave its machine back. */
export async function startAskingRun(
  server: TestServer,
  client: TestClient,
  workspace: TestWorkspace,
  question: string,
): Promise<LiveRun> {
  const run = await startLiveRun(server, client, workspace);
  await letWait(server, run, { reason: "needs_info", summary: question });
  return run;
}

async function letWait(server: TestServer, run: LiveRun, why: Record<string, string>): Promise<void> {
  await server.database.kysely
    .updateTable("runs")
    .set({ status: "waiting", phase: null, runner_id: null, lease_expires_at_ms: null, ...why })
    .where("id", "=", run.runId)
    .execute();
}

/** Commits files on the branch of a run, pushes it as a runner would, and opens its pull request. */
export async function openTestPullRequest(
  server: TestServer,
  workspace: TestWorkspace,
  run: LiveRun,
  change: { title: string; body: string; message: string; files: Record<string, string> },
): Promise<{ url: string }> {
  const { path } = workspace.repository;
  if (path === undefined) throw new Error("an administrator sees where the repository is");
  const sourceBranch = runBranch(RunId.parse(run.runId));
  await gitOut(["checkout", "--quiet", "-b", sourceBranch], workspace.workDir);
  const headOid = await commitTree(workspace.workDir, { files: change.files }, change.message);
  await gitOut(["push", "--quiet", path, `HEAD:refs/heads/${sourceBranch}`], workspace.workDir);
  await gitOut(["checkout", "--quiet", "main"], workspace.workDir);
  const { database, repositoriesRoot } = server;
  const forge = createLocalForge({ database, repositoriesRoot, baseUrl: PUBLIC_URL });
  const opened = await forge.openPullRequest({
    runId: RunId.parse(run.runId),
    workItemId: run.item.id,
    repositoryId: workspace.repository.id,
    title: change.title,
    body: change.body,
    sourceBranch,
    targetBranch: "main",
    baseOid: workspace.baseOid,
    headOid,
  });
  const link = { work_item_id: run.item.id, run_id: run.runId, created_at_ms: Date.now() };
  await database.kysely
    .insertInto("item_links")
    .values({ ...link, kind: "pull_request", url: opened.url, title: opened.title })
    .execute();
  return { url: new URL(opened.url).pathname };
}
