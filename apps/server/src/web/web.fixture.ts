import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunEvent } from "@windshift/contract/event.ts";
import { RunId, runBranch } from "@windshift/contract/ids.ts";
import { commitTree, gitOut } from "@windshift/testing/git-repository.ts";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { describeShort } from "../budgets/budget-short.ts";
import { createLocalForge } from "../pull-requests/local-forge.ts";
import { appendEvents } from "../runs/run-events.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { type LiveRun, startLiveRun, type TestWorkspace } from "../testing/test-workspace.ts";

/** Debian's Chromium, without anything that talks to the world by itself. */
const CHROMIUM = {
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

/** What a page may take for one step on a loaded machine, ms; only a failing test waits for it. */
const PAGE_MS_MAX = 30_000;

/** As BASE_URL would be; not where the server listens, so that links are seen to stay where the reader is. */
const PUBLIC_URL = "http://windshift.test";

/** The real server's routes, reached by another address than BASE_URL says. */
export function startWebServer(): Promise<TestServer> {
  return startTestServer({ baseUrl: PUBLIC_URL });
}

/** A browser with a profile folder of its own, so that several tests may run at once. */
export async function launchBrowser(): Promise<{ browser: Browser; close(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), "windshift-chromium-"));
  mkdirSync(join(dir, "home"));
  const env = { ...process.env, HOME: join(dir, "home") };
  const browser = await chromium.launch({ ...CHROMIUM, env });
  return {
    browser,
    close: async () => {
      await browser.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A tab that notes what must never happen. */
export interface WatchedPage {
  page: Page;
  context: BrowserContext;
  /** Requests to anywhere but the server. */
  foreign: string[];
  /** Errors of scripts, violations of the content security policy among them. */
  errors: string[];
}

export async function openPage(
  browser: Browser,
  server: TestServer,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ baseURL: server.url, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PAGE_MS_MAX);
  const foreign: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(`${server.url}/`)) foreign.push(request.url());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // The browser itself notes every answer that is not 2xx; refusing is part of some tests.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) errors.push(message.text());
  });
  return { page, context, foreign, errors };
}

/** Signs in through the form, with the password that all people of a test have. */
export async function signIn(page: Page, email = "ada@example.test"): Promise<void> {
  await page.goto("/login");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Work items" }).waitFor();
}

/** Writes events as the runner of a live run does. */
export async function emit(
  server: TestServer,
  run: Pick<LiveRun, "runId" | "attempt">,
  fromSeq: number,
  events: readonly Pick<RunEvent, "type" | "data">[],
): Promise<void> {
  const at = new Date().toISOString();
  const numbered = events.map((event, index) => RunEvent.parse({ ...event, at, seq: fromSeq + index }));
  const reply = await appendEvents(server.database, run.runId, run.attempt, numbered);
  if (reply.kind !== "accepted") throw new Error("the run is not live");
}

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
  await server.database.kysely
    .updateTable("runs")
    .set({
      status: "waiting",
      reason: "budget",
      detail: describeShort({ scope: "run", scope_id, period: "", attempt, ...short }),
      phase: null,
      runner_id: null,
      lease_expires_at_ms: null,
      budget_short: JSON.stringify({ scope: "run", scope_id, period: "", attempt, ...short }),
    })
    .where("id", "=", run.runId)
    .execute();
  await server.database.kysely
    .insertInto("budget_use")
    .values({ scope: "run", scope_id, period: "", tokens: 80_000, cost_micros: 412_345 })
    .execute();
  return run;
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
