import { createHmac, randomUUID } from "node:crypto";
import { join } from "node:path";
import { createBareRepository } from "../git-repository.ts";
import { tempDir } from "../temp-dir.ts";
import { createForgeFaults } from "./forge-faults.ts";
import { AGENT, OTHER_REPOSITORIES, PEOPLE } from "./forge-model.ts";
import type { ForgeServer, SignedDelivery, WebhookEvent } from "./forge-server.ts";
import { startGithubEmulator } from "./github-emulator.ts";
import { createGithubFront, type GithubToken } from "./github-front.ts";
import { createGithubMirror } from "./github-mirror.ts";
import { loadGithubOpenapi } from "./github-openapi.ts";
import { createInstallationTokens, type InstallationTokens } from "./installation-tokens.ts";

const OWNER = "acme";
const NAME = "shop";
const APP = {
  appId: 4_711,
  slug: "windshift-app",
  installationId: 42,
  permissions: { contents: "write", pull_requests: "write", issues: "write", metadata: "read" },
};

/** A GitHub Enterprise Server: the API below /api/v3, git beside it. */
export interface GithubServer extends ForgeServer {
  readonly app: { appId: number; slug: string; installationId: number; privateKey: string };
  readonly installationTokens: Pick<InstallationTokens, "given" | "lifeMs" | "expireAll">;
  /** Whether drafts can be had, as in a private repository of a paid plan. */
  drafts: boolean;
}

/** emulate's GitHub behind a front that has real git, tokens with scopes, and GitHub's own refusals. */
export async function startGithubServer(): Promise<GithubServer> {
  const folder = tempDir();
  const root = join(folder.path, "repositories");
  const dir = join(root, OWNER, `${NAME}.git`);
  await createBareRepository(dir, join(folder.path, "work"), { files: { "README.md": "# Shop\n" } });
  const tokens = {
    full: "ghp_full0000000000000000",
    narrow: "ghp_narrow00000000000000",
    expired: "ghp_expired0000000000000",
    revoked: "ghp_revoked0000000000000",
  };
  const of = (login: string) => (login === AGENT ? tokens.full : `ghp_of_${login}0000000000`);
  const known = new Map<string, GithubToken>([
    [tokens.full, { login: AGENT, scopes: ["repo", "read:org"] }],
    [tokens.narrow, { login: AGENT, scopes: ["read:user"] }],
    ...[OWNER, ...Object.values(PEOPLE)].map((login): [string, GithubToken] => [
      of(login),
      { login, scopes: ["repo"] },
    ]),
  ]);
  const readsCode = "github_pat_reads_code_00000000";
  const reviewsOnly = "github_pat_without_pulls_00000";
  known.set(readsCode, {
    login: AGENT,
    scopes: [],
    permissions: { contents: "read", pull_requests: "write" },
  });
  known.set(reviewsOnly, {
    login: AGENT,
    scopes: [],
    permissions: { contents: "write", pull_requests: "read" },
  });
  const faults = createForgeFaults();
  const openapi = await loadGithubOpenapi();
  const others = Array.from({ length: OTHER_REPOSITORIES }, (_, at) => `other-${at + 1}`);
  const state = { drafts: true };
  const installationTokens = createInstallationTokens();
  const front = createGithubFront({
    root,
    known,
    faults,
    openapi,
    owner: OWNER,
    name: NAME,
    state,
    installationTokens,
  });
  const emulator = await startGithubEmulator(
    {
      tokens: Object.fromEntries([...known].map(([token, { login }]) => [token, login])),
      users: [AGENT, ...Object.values(PEOPLE)],
      owner: OWNER,
      repositories: [NAME, ...others].map((name) => ({ name, private: true })),
      app: APP,
      baseUrl: front.url,
    },
    folder.path,
  );
  const asOwnerOf = (name: string, method: string, path: string, body?: unknown) =>
    emulator.call(of(OWNER), method, `/repos/${OWNER}/${name}${path}`, body);
  for (const name of others) await asOwnerOf(name, "PUT", `/collaborators/${AGENT}`, { permission: "push" });
  const repository = `${OWNER}/${NAME}`;
  const asOwner = (method: string, path: string, body?: unknown) => asOwnerOf(NAME, method, path, body);
  for (const [login, permission] of [
    [AGENT, "push"],
    [PEOPLE.writer, "push"],
    [PEOPLE.reader, "pull"],
  ])
    await asOwner("PUT", `/collaborators/${login}`, { permission });
  front.open({ emulator, sync: createGithubMirror({ emulator, token: of(OWNER), repository, dir }) });
  return {
    kind: "github",
    url: front.url,
    agent: AGENT,
    tokens,
    weakTokens: [
      { token: readsCode, grant: "the permission Contents: write" },
      { token: reviewsOnly, grant: "the permission Pull requests: write" },
    ],
    otherRepositories: others.length,
    setAgentAccess: async (access) => {
      const permission = { read: "pull", write: "push", admin: "admin" }[access];
      await asOwner("PUT", `/collaborators/${AGENT}`, { permission });
    },
    people: PEOPLE,
    repository: { owner: OWNER, name: NAME },
    dir,
    faults,
    violations: front.violations,
    app: { ...APP, privateKey: emulator.privateKey },
    installationTokens,
    get drafts() {
      return state.drafts;
    },
    set drafts(value) {
      state.drafts = value;
    },
    comment: async (number, login, body) => {
      await emulator.call(of(login), "POST", `/repos/${repository}/issues/${number}/comments`, { body });
    },
    review: async (number, login, body, inDiff) => {
      // emulate lets only writers review; GitHub lets everyone who can read, so the right is lent for the moment.
      await asOwner("PUT", `/collaborators/${login}`, { permission: "push" });
      const comments = [{ path: "README.md", position: 1, body: inDiff }];
      const review = { event: "COMMENT", body, comments };
      await emulator.call(of(login), "POST", `/repos/${repository}/pulls/${number}/reviews`, review);
      if (login === PEOPLE.reader) await asOwner("PUT", `/collaborators/${login}`, { permission: "pull" });
    },
    close: async (number) => {
      await asOwner("PATCH", `/pulls/${number}`, { state: "closed" });
    },
    reopen: async (number) => {
      await asOwner("PATCH", `/pulls/${number}`, { state: "open" });
    },
    merge: async (number) => {
      await asOwner("PATCH", `/pulls/${number}`, { draft: false });
      await asOwner("PUT", `/pulls/${number}/merge`, {});
    },
    webhook: (event, number, secret) => sign(event, number, secret),
    stop: async () => {
      await front.stop();
      await emulator.stop();
      folder.remove();
    },
  };
}

function sign(event: WebhookEvent, number: number, secret: string): SignedDelivery {
  const repository = { name: NAME, full_name: `${OWNER}/${NAME}`, owner: { login: OWNER } };
  const payload = {
    pull_request: { action: "opened", number, pull_request: { number }, repository },
    comment: {
      action: "created",
      issue: { number, pull_request: { url: "" } },
      comment: { id: 1 },
      repository,
    },
    review: { action: "submitted", review: { id: 1 }, pull_request: { number }, repository },
    push: { ref: "refs/heads/main", repository },
  }[event];
  const names = {
    pull_request: "pull_request",
    comment: "issue_comment",
    review: "pull_request_review",
    push: "push",
  };
  const body = new TextEncoder().encode(JSON.stringify(payload));
  return {
    headers: {
      "content-type": "application/json",
      "x-github-event": names[event],
      "x-github-delivery": randomUUID(),
      "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    },
    body,
  };
}
