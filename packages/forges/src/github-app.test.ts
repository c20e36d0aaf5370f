import { afterAll, beforeAll, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { systemClock } from "@windshift/base/clock.ts";
import { type GithubServer, startGithubServer } from "@windshift/testing/forges/github-server.ts";
import { pushBranch } from "@windshift/testing/forges/push-branch.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { createForgeClient, type ForgeCredential } from "./create-forge-client.ts";
import { INSTALLATION_TOKEN_RENEW_MS } from "./github-access.ts";

const START_MS_MAX = 60_000;
let github: GithubServer;
let nowMs = Date.now();

beforeAll(async () => {
  github = await startGithubServer();
}, START_MS_MAX);
afterAll(() => github?.stop());

function connect(change: Partial<Extract<ForgeCredential, { kind: "github_app" }>> = {}) {
  const { appId, installationId, privateKey } = github.app;
  return createForgeClient("github", {
    baseUrl: `${github.url}/api/v3/`,
    credential: { kind: "github_app", appId, installationId, privateKey, ...change },
    fetch: (input, init) => fetch(input, init),
    clock: { ...systemClock, nowMs: () => nowMs },
  });
}

const tokenCalls = () => github.faults.log.filter((r) => r.path.endsWith("/access_tokens")).length;

test("an app is checked: its name, its installation and what it may do", async () => {
  const client = await connect();
  expect(await client.check()).toMatchObject({ ok: true, login: "windshift-app[bot]" });
  expect((await client.listRepositories({ page: 1 })).repositories.map((r) => r.name)).toEqual(["shop"]);
});

test("an app that lacks a permission, or is suspended, is told so", async () => {
  const installation = { account: { login: "acme" }, permissions: { contents: "read", metadata: "read" } };
  for (const [body, words] of [
    [installation, "lacks `contents: write` and `pull_requests: write` at acme"],
    [{ ...installation, suspended_at: "2026-01-02T03:04:05Z" }, "is suspended"],
  ] as const) {
    github.faults.add({ method: "GET", path: /installations/, what: { kind: "answer", status: 200, body } });
    const checked = await (await connect()).check();
    expect(checked.ok).toBe(false);
    expect(checked.message).toContain(words);
  }
});

test("a wrong installation, a wrong key and what is no key are told apart", async () => {
  const { privateKey: otherKey } = generateKeyPairSync("rsa", {
    modulusLength: 2_048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  expect(await (await connect({ installationId: 43 })).check()).toMatchObject({
    ok: false,
    kind: "not_found",
  });
  expect(await (await connect({ privateKey: otherKey })).check()).toMatchObject({
    ok: false,
    kind: "unauthorized",
  });
  const broken = await (
    await connect({ privateKey: "-----BEGIN RSA PRIVATE KEY-----\nnot-a-key\n" })
  ).check();
  expect(broken).toMatchObject({ ok: false, kind: "unauthorized" });
  expect(broken.message).not.toContain("not-a-key");
});

test(
  "git pushes with an installation token, which is shared and renewed before it ends",
  async () => {
    using folder = tempDir();
    const client = await connect();
    const before = tokenCalls();
    const asked = await Promise.all([1, 2, 3].map(() => client.gitCredential(github.repository)));
    const [first] = asked;
    if (first?.expiresAtMs == null) throw new Error("no time at which it ends");
    expect(first.username).toBe("x-access-token");
    expect(new Set(asked.map((c) => c.password)).size).toBe(1);
    expect(tokenCalls() - before).toBe(1);
    const { username, password, expiresAtMs } = first;
    const url = `${client.gitBaseUrl}/acme/shop.git`;
    await pushBranch({
      url,
      username,
      password,
      workDir: join(folder.path, "w"),
      branch: "agent-runs/run-1",
      file: "a",
    });
    expect(await client.readBranch(github.repository, "agent-runs/run-1")).toMatch(/^[0-9a-f]{40}$/);
    expect(tokenCalls() - before).toBe(1);
    nowMs = expiresAtMs - INSTALLATION_TOKEN_RENEW_MS;
    const renewed = await Promise.all([1, 2, 3].map(() => client.gitCredential(github.repository)));
    expect(new Set(renewed.map((c) => c.password)).size).toBe(1);
    expect(renewed[0]?.password).not.toBe(password);
    expect(tokenCalls() - before).toBe(2);
    nowMs = Date.now();
  },
  START_MS_MAX,
);

test(
  "where there are no drafts an ordinary pull request is opened, with a note",
  async () => {
    using folder = tempDir();
    const client = await connect();
    const { username, password } = await client.gitCredential(github.repository);
    const sourceBranch = "agent-runs/run-2";
    const url = `${client.gitBaseUrl}/acme/shop.git`;
    await pushBranch({
      url,
      username,
      password,
      workDir: join(folder.path, "w"),
      branch: sourceBranch,
      file: "b",
    });
    github.drafts = false;
    const request = {
      repository: github.repository,
      title: "T",
      body: "B",
      mark: "B",
      sourceBranch,
      targetBranch: "main",
    };
    const opened = await client.openPullRequest(request);
    expect(opened).toMatchObject({ adopted: false, pullRequest: { draft: false, state: "open" } });
    expect(opened.note).toContain("no drafts");
  },
  START_MS_MAX,
);

test("a permission that is missing for one call is named", async () => {
  github.faults.add({
    method: "GET",
    path: /shop$/,
    what: {
      kind: "answer",
      status: 403,
      headers: { "x-accepted-github-permissions": "metadata=read" },
      body: { message: "Resource not accessible by integration" },
    },
  });
  const failed = (await connect()).getRepository(github.repository);
  expect(failed).rejects.toMatchObject({
    kind: "missing_scope",
    message: expect.stringContaining("metadata=read"),
  });
  await failed.catch(() => undefined);
});

test("every request and reply is one of the published description", () => {
  expect(github.violations).toEqual([]);
});
