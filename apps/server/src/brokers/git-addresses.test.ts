import { afterAll, beforeAll, expect, test } from "bun:test";
import type { JobSpec } from "@windshift/contract/job.ts";
import { createToken } from "@windshift/contract/tokens.ts";
import type { ForgeServer } from "@windshift/testing/forges/forge-server.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { createForgeWorkspace, type ForgeWorkspace } from "../testing/forge-workspace.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

const TEST_MS_MAX = 60_000;
/** Requests of each kind, in turn, so that what else the machine does slows all kinds alike. */
const ROUNDS = 60;
/** Kinds that take the same way differ by their noise; one that asks the database or the forge once more takes many times as long. */
const RATIO_MAX = 4;

let forge: ForgeServer;
let server: TestServer;
const workspaces: ForgeWorkspace[] = [];
/** Runs of two workspaces, both going on. */
let seven: JobSpec;
let eight: JobSpec;
beforeAll(async () => {
  forge = await startForgejoServer();
  server = await startTestServer();
  const admin = await server.setUp();
  for (const key of ["ONE", "TWO"]) workspaces.push(await createForgeWorkspace(server, admin, forge, key));
  [seven, eight] = [await started(0), await started(1)];
}, TEST_MS_MAX);
afterAll(async () => {
  for (const workspace of workspaces) await workspace.stop();
  await server?.close();
  await forge?.stop();
}, TEST_MS_MAX);

async function started(index: number): Promise<JobSpec> {
  const workspace = workspaces[index];
  const job = await workspace?.claim(await workspace.assign());
  if (job === undefined) throw new Error("no job");
  return job;
}

const suffixes = {
  list: "/info/refs?service=git-upload-pack",
  fetch: "/git-upload-pack",
  push: "/git-receive-pack",
};
function ask(url: string, token: string, kind: keyof typeof suffixes): Promise<Response> {
  return fetch(url + suffixes[kind], {
    method: kind === "list" ? "GET" : "POST",
    headers: {
      authorization: `Basic ${btoa(`run:${token}`)}`,
      "content-type": `application/x-git-${kind === "push" ? "receive" : "upload"}-pack-request`,
    },
    ...(kind === "list" ? {} : { body: "0000" }),
  });
}

/** Everything of an answer but what differs from one request to the next: when it was given, and its number. */
async function seen(reply: Response): Promise<string> {
  const headers = [...reply.headers]
    .map(([name, value]) => [name, /^(date|x-request-id)$/.test(name) ? value.length : value])
    .sort();
  return JSON.stringify([reply.status, await reply.text(), headers]);
}

const urlOf = (job: JobSpec, run: number) => job.repo.clone_url.replace(`/${job.run_id}/`, `/${run}/`);

test(
  "GB-19 with tokens and addresses of two runs swapped, an answer is that of an unknown run",
  async () => {
    for (const job of [seven, eight])
      expect((await ask(job.repo.clone_url, job.tokens.git, "list")).status).toBe(200);
    for (const kind of ["list", "fetch", "push"] as const) {
      const unknown = await seen(await ask(urlOf(seven, 999_999), seven.tokens.git, kind));
      expect(JSON.parse(unknown)[0]).toBe(404);
      for (const [url, token] of [
        [seven.repo.clone_url, eight.tokens.git],
        [eight.repo.clone_url, seven.tokens.git],
        [seven.repo.clone_url, seven.tokens.agent],
        [seven.repo.clone_url, createToken("run")],
        [seven.repo.clone_url, createToken("person")],
        [urlOf(seven, 999_999), createToken("run")],
        [seven.repo.clone_url.replace("/shop.git", "/other.git"), seven.tokens.git],
      ] as const)
        expect(await seen(await ask(url, token, kind))).toBe(unknown);
    }
    const main = await ask(seven.repo.clone_url, seven.tokens.git, "list");
    expect(await main.text()).toContain("refs/heads/main");
  },
  TEST_MS_MAX,
);

test(
  "GB-19 it takes no longer for a run there is than for one there is not",
  async () => {
    const kinds = [
      () => ask(seven.repo.clone_url, eight.tokens.git, "list"),
      () => ask(eight.repo.clone_url, seven.tokens.git, "list"),
      () => ask(urlOf(seven, 999_999), seven.tokens.git, "list"),
      () => ask(urlOf(seven, 999_999), createToken("run"), "list"),
    ];
    const tookMs: number[][] = kinds.map(() => []);
    for (let round = 0; round < ROUNDS; round++)
      for (let turn = 0; turn < kinds.length; turn++) {
        // Each kind is as often first as last.
        const index = (round + turn) % kinds.length;
        const startedMs = performance.now();
        expect((await kinds[index]?.())?.status).toBe(404);
        tookMs[index]?.push(performance.now() - startedMs);
      }
    // The faster half tells the way that was taken; the slower one tells of the machine.
    const typicalMs = tookMs.map((samples) => samples.sort((a, b) => a - b)[ROUNDS / 4] ?? 0);
    expect(Math.max(...typicalMs) / Math.min(...typicalMs)).toBeLessThan(RATIO_MAX);
  },
  TEST_MS_MAX,
);
