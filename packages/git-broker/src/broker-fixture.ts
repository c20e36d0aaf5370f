import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { git } from "@windshift/base/git.ts";
import { Attempt, type Oid, RunId, runRef } from "@windshift/contract/ids.ts";
import { createToken } from "@windshift/contract/tokens.ts";
import { createGitBroker } from "./git-broker.ts";
import type { GitGrant, GitRefusal } from "./git-grant.ts";
import type { GitUpstream } from "./git-upstream.ts";
import { localUpstream } from "./local-upstream.ts";
import type { PushFinding } from "./pack-inspector.ts";

/** A broker on loopback before one real bare repository, with the grants a test hands out. For tests only. */
export interface BrokerFixture {
  dir: string;
  /** The bare repository. */
  repository: string;
  /** `http://127.0.0.1:port`. */
  origin: string;
  refusals: GitRefusal[];
  pushed: { runId: RunId; oid: Oid }[];
  /** What accepted pushes held. */
  findings: PushFinding[];
  /** Requests that reached the upstream, and the bytes of their bodies. */
  upstreamCalls: { service: string; bytes: number; protocol: string | undefined }[];
  /** Every request as it came in: method, address, headers. */
  seen: { line: string; headers: Headers }[];
  /** Called by isLive before it answers. */
  onLiveCheck: (runId: RunId) => void | Promise<void>;
  grant(run: number, change?: Partial<GitGrant>): RunGrant;
  /** Runs git in a folder as a client would, with author and HTTP allowed. */
  client(cwd: string, args: readonly string[], configFile?: string): Promise<ClientResult>;
  stop(): Promise<void>;
}
export interface RunGrant {
  runId: RunId;
  ref: string;
  token: string;
  /** Clone address, with and without the token in it. */
  url: string;
  urlWithToken: string;
  live: boolean;
  /** What may be fetched; may be changed while the run goes on. */
  fetchRefs: string[];
}
export type ClientResult = Awaited<ReturnType<typeof git>>;

const CLIENT_MS_MAX = 60_000;

export async function startBroker(options: { bodyIdleMsMax?: number } = {}): Promise<BrokerFixture> {
  const dir = await mkdtemp(join(tmpdir(), "git-broker-"));
  const repository = join(dir, "repo.git");
  const grants = new Map<RunId, { held: RunGrant; change: Partial<GitGrant> }>();
  const local = localUpstream({ dir: repository });
  const handle = createGitBroker({
    ...options,
    grants: {
      async find(runId, token) {
        const entry = grants.get(runId);
        if (entry === undefined || entry.held.token !== token) return undefined;
        return {
          runId,
          attempt: Attempt.parse(1),
          owner: "acme",
          repo: "repo",
          ref: entry.held.ref,
          fetchRefs: entry.held.fetchRefs,
          upstream: counted(local, fixture),
          isLive: async () => {
            await fixture.onLiveCheck(runId);
            return entry.held.live;
          },
          onPushed: async (oid, findings) => {
            fixture.pushed.push({ runId, oid });
            fixture.findings.push(...findings);
          },
          ...entry.change,
        };
      },
    },
    audit: { refused: async (refusal) => void fixture.refusals.push(refusal) },
  });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    maxRequestBodySize: 4 * 1024 ** 3,
    fetch: (request) => {
      fixture.seen.push({ line: `${request.method} ${request.url}`, headers: request.headers });
      return handle(request);
    },
    error: () => new Response("internal\n", { status: 500 }),
  });
  const fixture: BrokerFixture = {
    dir,
    repository,
    origin: `http://127.0.0.1:${server.port}`,
    refusals: [],
    pushed: [],
    findings: [],
    upstreamCalls: [],
    seen: [],
    onLiveCheck: () => undefined,
    grant(run, change = {}) {
      const runId = RunId.parse(run);
      const token = createToken("run");
      const path = `/api/git-proxy/${run}/acme/repo.git`;
      const held: RunGrant = {
        runId,
        ref: runRef(runId),
        token,
        url: `http://127.0.0.1:${server.port}${path}`,
        urlWithToken: `http://x:${token}@127.0.0.1:${server.port}${path}`,
        live: true,
        fetchRefs: ["refs/heads/main", runRef(runId)],
      };
      grants.set(runId, { held, change });
      return held;
    },
    client: (cwd, args, configFile) =>
      git(args, {
        cwd,
        timeoutMs: CLIENT_MS_MAX,
        protocols: "http:https:file",
        ...(configFile === undefined ? {} : { configFile }),
        extraEnv: author,
      }),
    async stop() {
      await server.stop(true);
      await rm(dir, { recursive: true, force: true });
    },
  };
  await makeRepository(fixture);
  return fixture;
}

const author = {
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.org",
};

/** Forgets what happened so far. */
export function forget(fixture: BrokerFixture): void {
  for (const list of [
    fixture.refusals,
    fixture.upstreamCalls,
    fixture.pushed,
    fixture.findings,
    fixture.seen,
  ])
    list.length = 0;
}

export function authorization(token: string): string {
  return `Basic ${btoa(`x:${token}`)}`;
}

/** A request of git's, made by hand. */
export function post(
  run: RunGrant,
  service: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${run.url}/${service}`, {
    method: "POST",
    body: typeof body === "string" ? body : new Uint8Array(body),
    headers: {
      authorization: authorization(run.token),
      "content-type": `application/x-${service}-request`,
      ...headers,
    },
  });
}

/** Runs git and fails the test when git fails. @returns its output, trimmed */
export async function mustGit(fixture: BrokerFixture, cwd: string, ...args: string[]): Promise<string> {
  const result = await fixture.client(cwd, args);
  if (result.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}

/** The commit a ref of the bare repository points at, undefined when there is none. */
export async function refOf(fixture: BrokerFixture, ref: string): Promise<string | undefined> {
  const result = await fixture.client(fixture.repository, ["rev-parse", "--verify", "-q", ref]);
  return result.exitCode === 0 ? result.stdout.trim() : undefined;
}

async function makeRepository(fixture: BrokerFixture): Promise<void> {
  const seed = join(fixture.dir, "seed");
  await mustGit(fixture, fixture.dir, "init", "-q", "-b", "main", seed);
  await Bun.write(join(seed, "README.md"), "# a project\n");
  await mustGit(fixture, seed, "add", "-A");
  await mustGit(fixture, seed, "commit", "-q", "-m", "first");
  await mustGit(fixture, fixture.dir, "clone", "-q", "--bare", seed, fixture.repository);
}

function counted(upstream: GitUpstream, fixture: BrokerFixture): GitUpstream {
  return {
    advertise(service, protocol, signal) {
      fixture.upstreamCalls.push({ service: `${service} advertise`, bytes: 0, protocol });
      return upstream.advertise(service, protocol, signal);
    },
    rpc(service, body, protocol, signal) {
      const call = { service, bytes: 0, protocol };
      fixture.upstreamCalls.push(call);
      const counting = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          call.bytes += chunk.length;
          controller.enqueue(chunk);
        },
      });
      return upstream.rpc(service, body.pipeThrough(counting), protocol, signal);
    },
  };
}
