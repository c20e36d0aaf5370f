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

test("a token that GitHub takes back early is made anew, once for all calls, and git gets the new one", async () => {
  const client = await connect();
  const { password: taken } = await client.gitCredential(github.repository);
  github.installationTokens.expireAll();
  const before = tokenCalls();
  const read = await Promise.all([1, 2, 3].map(() => client.getRepository(github.repository)));
  expect(read.map(({ name }) => name)).toEqual(["shop", "shop", "shop"]);
  expect(tokenCalls() - before).toBe(1);
  const { password: next } = await client.gitCredential(github.repository);
  expect(next).not.toBe(taken);
  expect(github.installationTokens.given.at(-1)).toBe(next);
});

test("a connection to another GitHub whose installation has the same number never gets this one's token", async () => {
  const stolen: (string | null)[] = [];
  using other = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      if (request.url.endsWith("/access_tokens"))
        return Response.json(
          { token: "ghs_of_the_other", expires_at: "2001-01-01T00:00:00Z" },
          { status: 201 },
        );
      stolen.push(request.headers.get("authorization"));
      return Response.json({ message: "no" }, { status: 403 });
    },
  });
  // Both ask at the same moment, and the true one's answer takes its time.
  const held = Promise.withResolvers<void>();
  const { appId, installationId, privateKey } = github.app;
  const credential = { kind: "github_app", appId, installationId, privateKey } as const;
  const asked = Promise.withResolvers<void>();
  const slow = await createForgeClient("github", {
    baseUrl: github.url,
    credential,
    fetch: async (input, init) => {
      const reply = await fetch(input, init);
      asked.resolve();
      await held.promise;
      return reply;
    },
  });
  const foreign = await createForgeClient("github", {
    baseUrl: `http://127.0.0.1:${other.port}`,
    credential,
    fetch: (input, init) => fetch(input, init),
  });
  const own = slow.gitCredential(github.repository);
  await asked.promise;
  const { password: theirs } = await foreign.gitCredential(github.repository);
  await foreign.getRepository(github.repository).catch(() => undefined);
  held.resolve();
  const { password } = await own;
  expect([theirs, password === theirs]).toEqual(["ghs_of_the_other", false]);
  expect(stolen).toEqual(["token ghs_of_the_other"]);
});

test("an app whose tokens GitHub does not take is not tried for ever, and one that gets none says why", async () => {
  const client = await connect();
  await client.getRepository(github.repository);
  const refused = { kind: "answer", status: 401, body: { message: "Bad credentials" } } as const;
  for (let n = 0; n < 2; n++) github.faults.add({ method: "GET", path: /shop$/, what: refused });
  const before = tokenCalls();
  await expect(client.getRepository(github.repository)).rejects.toMatchObject({ kind: "unauthorized" });
  expect(tokenCalls() - before).toBe(1);
  github.installationTokens.expireAll();
  const body = { message: "This installation has been suspended" };
  github.faults.add({ method: "POST", path: /access_tokens$/, what: { kind: "answer", status: 403, body } });
  await expect(client.getRepository(github.repository)).rejects.toMatchObject({
    kind: "forbidden",
    message: expect.stringContaining("has been suspended"),
  });
});

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
