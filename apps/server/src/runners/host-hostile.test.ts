import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { git as hostGit } from "@windshift/base/git.ts";
import type { ActivityPage } from "@windshift/contract/api/activity.ts";
import type { Pool } from "@windshift/contract/api/pool.ts";
import type { Commit, PullRequestDetail } from "@windshift/contract/api/pull-request.ts";
import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { ATTEMPT_EVENTS_MAX } from "@windshift/contract/limits.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { commitTree, gitOut } from "@windshift/testing/git-repository.ts";
import { dbNowMs } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import { runPublishingLoop } from "../runs/publishing-loop.ts";
import { sweepLapsedLeases } from "../runs/run-sweep.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, eventOf, newNonce, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";

/** A loaded machine may take long, ms. */
const TEST_MS_MAX = 60_000;
const defaults = { llmModel: undefined };
const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let pool: Pool;
let host: TestHost;
let item: WorkItemDetail;
let job: JobSpec;
const ending = new AbortController();
let publishing: Promise<void>;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "EVIL");
  const { database, forge, url } = server;
  publishing = runPublishingLoop({ database, forge, defaults, baseUrl: url }, quiet, ending.signal);
}, TEST_MS_MAX);
afterAll(async () => {
  ending.abort();
  await publishing;
  await server?.close();
}, TEST_MS_MAX);
beforeEach(async () => {
  pool = await createPool(admin, { name: newNonce() });
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: pool.name });
  host = await addHost(server, admin, pool);
  item = await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
  job = await host.claimed();
}, TEST_MS_MAX);

/** What an honest host says when the agent did what it was asked. */
const done = (more: object = {}) => ({
  attempt: job.attempt,
  isolation: "container",
  outcome: "completed",
  summary: "All done.",
  failure: null,
  base_oid: job.repo.base_oid,
  head_oid: job.repo.base_oid,
  exit_code: 0,
  ...more,
});

/** Commits on the branch of the run, and on others when asked, past the broker. @returns the head of the run's branch */
async function pushed(...others: string[]): Promise<string> {
  const { path } = workspace.repository;
  if (path === undefined) throw new Error("an administrator sees where the repository is");
  const { workDir } = workspace;
  await gitOut(["checkout", "--quiet", "--detach", workspace.baseOid], workDir);
  const head = await commitTree(workDir, { files: { "a.txt": `${job.run_id}\n` } }, "Do the work");
  for (const branch of [job.repo.branch, ...others])
    await gitOut(["push", "--quiet", path, `${head}:refs/heads/${branch}`], workDir);
  return head;
}

/** Commits as the agent names itself, and says of others, on the branch of the run. @returns the commit */
async function pushedAs(name: string, email: string, message: string): Promise<string> {
  const head = await pushed();
  const when = "2001-01-01T00:00:00Z";
  const extraEnv = {
    ...{ GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_AUTHOR_DATE: when },
    ...{ GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email, GIT_COMMITTER_DATE: when },
  };
  const { workDir: cwd } = workspace;
  const args = ["commit-tree", `${head}^{tree}`, "-p", workspace.baseOid, "-m", message];
  const forged = (await hostGit(args, { cwd, timeoutMs: TEST_MS_MAX, extraEnv })).stdout.trim();
  const ref = `refs/heads/${job.repo.branch}`;
  await gitOut(["push", "--quiet", "--force", workspace.repository.path ?? "", `${forged}:${ref}`], cwd);
  return forged;
}

async function ended(): Promise<AgentRunDetail> {
  return eventually("the run ends", async () => {
    const { body } = await admin.get<AgentRunDetail>(`/api/v1/agent-runs/${job.run_id}`);
    return isTerminal(body.status) ? body : undefined;
  });
}

async function linksOf(): Promise<WorkItemDetail["links"]> {
  return (await admin.get<WorkItemDetail>(`/api/v1/items/${item.key}`)).body.links;
}

describe("RT-13 a host that lies", () => {
  test("of a success without a push gets no pull request", async () => {
    expect((await host.result(job.run_id, done({ head_oid: "f".repeat(40) }))).status).toBe(200);
    const run = await ended();
    expect([run.pull_request, run.status, run.reason]).toEqual([null, "succeeded", "no_changes"]);
    expect(await linksOf()).toEqual([]);
  });

  test("GB-26 of a branch that stands at its base, without a commit of its own, gets no pull request", async () => {
    const { workDir, baseOid, repository } = workspace;
    const ref = `refs/heads/${job.repo.branch}`;
    await gitOut(["push", "--quiet", repository.path ?? "", `${baseOid}:${ref}`], workDir);
    expect((await host.result(job.run_id, done({ head_oid: "f".repeat(40) }))).status).toBe(200);
    const run = await ended();
    expect([run.pull_request, run.status, run.reason]).toEqual([null, "succeeded", "no_changes"]);
    expect(await linksOf()).toEqual([]);
  });

  test("of the head, the branch and the address of a pull request is not believed: the server reads the ref", async () => {
    const head = await pushed("chosen-by-the-host");
    const lies = {
      head_oid: "e".repeat(40),
      base_oid: "d".repeat(40),
      branch: "chosen-by-the-host",
      target_branch: "chosen-by-the-host",
      url: "javascript:alert(1)",
      pull_request: { url: "javascript:alert(1)", number: 7 },
      pull_request_url: "javascript:alert(1)",
    };
    expect((await host.result(job.run_id, done(lies))).status).toBe(200);
    const run = await ended();
    expect(run.status).toBe("succeeded");
    const row = await server.database.kysely
      .selectFrom("pull_requests")
      .selectAll()
      .where("run_id", "=", job.run_id)
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({ source_branch: job.repo.branch, target_branch: "main", head_oid: head });
    const links = await linksOf();
    expect(links.map(({ url }) => url)).toEqual([expect.stringMatching(/^(http:\/\/127|\/pull-requests\/)/)]);
    const shown = [run, links, await admin.get(`/items/${item.key}`)]
      .map((one) => JSON.stringify(one))
      .join();
    expect(shown).not.toContain("javascript:alert");
    expect(shown).not.toContain("chosen-by-the-host");
  });

  test("HG-19 of who wrote its commits, and who helped, is not believed: the pull request is the agent's, the run its initiator's", async () => {
    const message =
      "Do the work\n\nCo-authored-by: Mallory <mallory@example.test>\nSigned-off-by: Mallory <mallory@example.test>";
    const head = await pushedAs("Mallory", "mallory@example.test", message);
    expect((await host.result(job.run_id, done({ head_oid: head }))).status).toBe(200);
    expect((await ended()).status).toBe("succeeded");
    const { id } = await server.database.kysely
      .selectFrom("pull_requests")
      .select("id")
      .where("run_id", "=", job.run_id)
      .executeTakeFirstOrThrow();
    const at = `/api/v1/pull-requests/${id}`;
    const shown = (await admin.get<PullRequestDetail>(at)).body;
    expect([shown.head_oid as string, shown.author.id, shown.author.kind]).toEqual([
      head,
      workspace.agent.id,
      "agent",
    ]);
    expect(shown.body).toContain(`by ${workspace.agent.name}, asked for by Ada`);
    expect(shown.title + shown.body).not.toMatch(/Mallory|Co-authored|Signed-off/);
    const { activity } = (await admin.get<ActivityPage>(`/api/v1/items/${item.key}/activity`)).body;
    const opened = activity.filter(({ change }) => change.kind === "pull_request_opened");
    expect(opened.map(({ actor, run_id }) => [actor?.id, run_id])).toEqual([
      [workspace.agent.id, job.run_id],
    ]);
    // What the commit says is shown as the commit's word, beside the author above.
    const { body } = await admin.get<{ commits: Commit[] }>(`${at}/commits`);
    expect(body.commits.map(({ oid, author }) => [oid as string, author.name])).toEqual([[head, "Mallory"]]);
  });

  test("in its summary has said so, and that is all", async () => {
    await pushed();
    const summary = `<script>alert(1)</script> [here](javascript:alert(2)) "><img src=x onerror=alert(3)>`;
    expect((await host.result(job.run_id, done({ summary }))).status).toBe(200);
    const run = await ended();
    // It is data to the API, word for word; e2e/web/hostile-run.test.ts looks at what a browser makes of it.
    expect(run.summary).toBe(summary);
    const { headers } = await admin.get(`/api/v1/agent-runs/${job.run_id}`);
    expect(headers.get("content-type")).toStartWith("application/json");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  test(
    "by 100 MB is refused, and nothing is stored",
    async () => {
      const before = process.memoryUsage().rss;
      const huge = await host
        .result(job.run_id, done({ summary: "x".repeat(100_000_000) }))
        // The server may hang up instead of reading on.
        .catch(() => ({ status: 413 }));
      expect(huge.status).toBe(413);
      expect(process.memoryUsage().rss - before).toBeLessThan(1_000_000_000);
      const long = await host.result(job.run_id, done({ summary: "x".repeat(70_000) }));
      expect([long.status, long.body.error.code]).toEqual([400, "invalid_input"]);
      const detail = "x".repeat(9_000);
      const failure = { reason: "crashed", detail };
      expect((await host.result(job.run_id, done({ failure }))).status).toBe(400);
      const { status, result } = await rowOf();
      expect([status, result]).toEqual(["running", null]);
      expect((await host.heartbeat([{ run: job.run_id, attempt: job.attempt }])).body.abort).toEqual([]);
    },
    TEST_MS_MAX,
  );
});

describe("RT-15 the tokens of a run", () => {
  const api = () => server.withToken(job.tokens.agent).get(`/api/v1/items/${item.key}`);
  const model = () =>
    server.withToken(job.tokens.agent).post("/api/llm-proxy/v1/chat/completions", {
      model: "scripted-1",
      max_tokens: 1,
      messages: [{ role: "user", content: "hi" }],
    });
  const git = (path = new URL(job.repo.clone_url).pathname) =>
    server.stranger().get(`${path}/info/refs?service=git-upload-pack`, {
      authorization: `Basic ${btoa(`run:${job.tokens.git}`)}`,
    });

  /** From the very next request on. Git answers 404 for a token it does not know, as for a run that does not exist. */
  async function expectDead(): Promise<void> {
    expect([(await api()).status, (await model()).status, (await git()).status]).toEqual([401, 401, 404]);
  }

  beforeEach(async () => {
    expect([(await api()).status, (await git()).status, (await model()).status === 401]).toEqual([
      200,
      200,
      false,
    ]);
  });

  test("are dead once the run has ended", async () => {
    await host.result(job.run_id, done());
    await expectDead();
    await ended();
    await expectDead();
  });

  test("are dead once it was asked to cancel", async () => {
    await admin.post(`/api/v1/agent-runs/${job.run_id}/cancel`, {});
    await expectDead();
  });

  test("are dead once another attempt has begun, and once the lease was swept", async () => {
    await server.database.kysely
      .updateTable("runs")
      .set((eb) => ({ lease_expires_at_ms: eb(dbNowMs(server.database.engine), "-", 1) }))
      .where("id", "=", job.run_id)
      .execute();
    await sweepLapsedLeases(server.database, defaults);
    await expectDead();
    const next = await host.claimed();
    expect([next.run_id, next.attempt as number]).toEqual([job.run_id, 2]);
    await expectDead();
  });

  test("open no other repository, run or item", async () => {
    const { pathname } = new URL(job.repo.clone_url);
    for (const path of [
      pathname.replace("project", "other"),
      pathname.replace("acme", "umbrella"),
      pathname.replace(`/${job.run_id}/`, `/${job.run_id + 1}/`),
    ])
      expect([path, path === pathname, (await git(path)).status]).toEqual([path, false, 404]);
    const other = await createItem(admin, workspace.key);
    const reply = await server.withToken(job.tokens.agent).get(`/api/v1/items/${other.key}`);
    expect(reply.status).toBe(404);
  });
});

describe("RT-17 bytes that are no events", () => {
  const raw = (body: string | Uint8Array<ArrayBuffer>) =>
    fetch(`${server.url}/api/runner/runs/${job.run_id}/events`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${host.registered.credential}`,
        "content-type": "application/json",
        "x-windshift-boot": host.state.boot,
      },
      body,
    });

  test("are refused or made readable, and never stored as they are", async () => {
    const batch = (event: object) => JSON.stringify({ attempt: job.attempt, events: [event] });
    const broken = Buffer.from(batch(eventOf(1, "@@")));
    broken[broken.indexOf("@@")] = 0xff;
    broken[broken.indexOf("@")] = 0xc3;
    expect((await raw(Uint8Array.from(broken))).status).toBeOneOf([200, 400]);
    for (const body of [
      "",
      "null",
      "[]",
      '{"attempt":1}',
      batch(eventOf(2 ** 53)),
      batch(eventOf(2 ** 53 + 2)),
      batch(eventOf(-1)),
      batch({ ...eventOf(2), seq: "2" }),
      batch({ ...eventOf(2), type: "no such type" }),
      batch({ ...eventOf(2), at: "yesterday" }),
      `{"attempt":${job.attempt},"events":[${"[".repeat(100_000)}`,
    ])
      expect([body.slice(0, 80), (await raw(body)).status]).toEqual([body.slice(0, 80), 400]);
    const many = Array.from({ length: 101 }, (_, i) => eventOf(i + 2));
    expect((await host.events(job.run_id, job.attempt, many)).status).toBe(400);
    const rows = await server.database.kysely
      .selectFrom("run_events")
      .select(["seq", "data"])
      .where("run_id", "=", job.run_id)
      .where("seq", ">", 0)
      .execute();
    expect(rows.length).toBeLessThanOrEqual(1);
    for (const { data } of rows) expect(Buffer.from(data).toString("utf8")).toBe(data);
  });
});

test("a host that fills a transcript beyond what runners let an agent print is refused, and administrators hear of it", async () => {
  const last = {
    run_id: job.run_id,
    attempt: job.attempt,
    seq: ATTEMPT_EVENTS_MAX,
    type: "stdout",
    at: new Date().toISOString(),
    data: "{}",
    stored_at_ms: 1,
  };
  await server.database.kysely.insertInto("run_events").values(last).execute();
  const beyond = [eventOf(ATTEMPT_EVENTS_MAX + 1)];
  const reply = await host.events(job.run_id, job.attempt, beyond);
  expect(reply).toMatchObject({ status: 413, body: { error: { code: "too_large" } } });
  await host.events(job.run_id, job.attempt, beyond);
  const runner = await server.database.kysely
    .selectFrom("runners")
    .select(["id", "alert"])
    .where("instance", "=", host.registered.instance_id)
    .executeTakeFirstOrThrow();
  expect(runner.alert).toContain("more events");
  const lines = server.database.kysely
    .selectFrom("audit_log")
    .select("action")
    .where("subject", "=", `runner ${runner.id}`)
    .where("action", "=", "runner.events_refused");
  expect(await lines.execute()).toHaveLength(1);
  expect((await host.result(job.run_id, done({ head_oid: null }))).status).toBe(200);
});

test(
  "RT-14 while one host floods, others claim and are served, and the flood costs its own host only",
  async () => {
    const others = await Promise.all(Array.from({ length: 10 }, () => addHost(server, admin, pool)));
    const stop = new AbortController();
    let limited = 0;
    const flood = Array.from({ length: 20 }, async () => {
      while (!stop.signal.aborted) {
        const reply = await host.claim("0s");
        if (reply.status === 429) limited++;
      }
    });
    try {
      await eventually("the flood is held back", () => limited > 0, TEST_MS_MAX);
      for (const other of others) {
        await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
        const claimed = await eventually(
          "an honest host gets the run",
          async () => (await other.claim()).body.job,
        );
        expect((await other.events(claimed.run_id, claimed.attempt, [eventOf(1)])).status).toBe(200);
      }
    } finally {
      stop.abort();
      await Promise.all(flood);
    }
  },
  TEST_MS_MAX,
);

function rowOf() {
  return server.database.kysely
    .selectFrom("runs")
    .select(["status", "result"])
    .where("id", "=", job.run_id)
    .executeTakeFirstOrThrow();
}
