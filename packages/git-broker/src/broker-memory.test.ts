import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { appendFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { git } from "@windshift/base/git.ts";
import { type BodyRecorder, startBodyRecorder } from "./body-recorder-fixture.ts";
import { authorization } from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";
import { type FixtureProcess, startFixture } from "./process-fixture.ts";

const MIB = 1_048_576;
/** What memory may grow by whatever passes, bytes. Source: PERFORMANCE, git broker. */
const GROWTH_BYTES_MAX = 64 * MIB;
/** How large a pack is pushed, MiB. GB-14 names 1 GiB: `WINDSHIFT_TEST_PACK_MIB=1024 bun test broker-memory`. */
const PACK_MIB = Number(process.env.WINDSHIFT_TEST_PACK_MIB ?? "96");
/** Making, pushing and cloning a pack takes under 50 ms a MiB on an idle machine. */
const TEST_MS_MAX = 120_000 + PACK_MIB * 500;
const PASSWORD = "forge-secret-0123456789";
const TOKEN = "the-run";
const author = {
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@x",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@x",
};

let dir: string;
let forge: FixtureProcess;
let broker: FixtureProcess;
let url: string;
/** What git sends, before the broker, and what the forge gets, behind it. */
let sent: BodyRecorder;
let received: BodyRecorder;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "git-memory-"));
  await mkdir(join(dir, "forge"));
  await must(dir, "init", "-q", "-b", "main", "work");
  await must(work(), "config", "core.compression", "0");
  await must(work(), "commit", "-q", "--allow-empty", "-m", "first");
  await must(dir, "clone", "-q", "--bare", "work", "forge/repo.git");
  forge = await startFixture("forge", dir, PASSWORD);
  received = startBodyRecorder(forge.address);
  broker = await startFixture("broker", received.origin, PASSWORD, TOKEN);
  const { origin, pathname } = new URL(broker.address);
  sent = startBodyRecorder(origin);
  url = `${sent.origin.replace("http://", `http://x:${TOKEN}@`)}${pathname}`;
  await must(dir, "ls-remote", url);
});
afterAll(async () => {
  await sent.stop();
  await broker.stop();
  await received.stop();
  await forge.stop();
  await rm(dir, { recursive: true, force: true });
}, TEST_MS_MAX);

const work = () => join(dir, "work");

test(
  `GB-14 a push and a clone of ${PACK_MIB} MiB pass in bounded memory, and the forge gets the bytes that git sent`,
  async () => {
    for (let part = 0; part < PACK_MIB; part += 32)
      await appendFile(join(work(), "large.bin"), randomBytes(Math.min(32, PACK_MIB - part) * MIB));
    await must(work(), "add", "large.bin");
    await must(work(), "commit", "-q", "-m", "large");
    const head = await must(work(), "rev-parse", "HEAD");
    const up = await growthDuring(async () => {
      await must(work(), "push", "-q", url, "HEAD:refs/heads/agent-runs/run-1");
    });
    // git asks first whether it may send so much; that request stays here, and the other one is the same on both sides.
    const [probe, ...packs] = pushes(sent);
    expect(probe?.bytes).toBe(4);
    expect(packs).toHaveLength(1);
    expect(packs[0]?.bytes).toBeGreaterThan(PACK_MIB * MIB);
    expect(pushes(received)).toEqual(packs);
    const pushed = join(dir, "forge", "repo.git");
    expect(await must(pushed, "rev-parse", "refs/heads/agent-runs/run-1")).toBe(head);

    const down = await growthDuring(async () => {
      await must(dir, "clone", "-q", "--bare", url, "down.git");
    });
    expect(await must(join(dir, "down.git"), "rev-parse", "refs/heads/agent-runs/run-1")).toBe(head);
    expect(up).toBeLessThan(GROWTH_BYTES_MAX);
    expect(down).toBeLessThan(GROWTH_BYTES_MAX);
  },
  TEST_MS_MAX,
);

/** Bodies of pushes that passed. */
function pushes({ posts }: BodyRecorder): { bytes: number; sha256: string }[] {
  return posts
    .filter(({ path }) => path.endsWith("/git-receive-pack"))
    .map(({ bytes, sha256 }) => ({ bytes, sha256 }));
}

test("GB-12 a gzip bomb is refused, and leaves memory as it was", async () => {
  const zeros = gzipSync(Buffer.alloc(10 * MIB), { level: 9 });
  // Members one after the other are one stream: 10 MB that unpack to 10 GB, and a small one of the same kind.
  const large = Buffer.concat(Array(1_000).fill(zeros));
  const have = gzipSync(Buffer.concat(Array(100_000).fill(pktLine(`have ${"a".repeat(40)}\n`))));
  for (const [bomb, status] of [
    [large, 413],
    [zeros, 413],
    [have, 413],
  ] as const) {
    const grown = await growthDuring(async () => {
      const replies = await Promise.all(Array.from({ length: 4 }, () => fetchWith(bomb)));
      expect(replies).toEqual([status, status, status, status]);
    });
    expect(grown).toBeLessThan(GROWTH_BYTES_MAX);
  }
});

/** @returns the status; a server that hangs up in the middle of the body has answered before */
async function fetchWith(body: Uint8Array): Promise<number> {
  const reply = await fetch(`${broker.address}/git-upload-pack`, {
    method: "POST",
    body: new Uint8Array(body),
    headers: {
      authorization: authorization(TOKEN),
      "content-type": "application/x-git-upload-pack-request",
      "content-encoding": "gzip",
    },
  });
  return reply.status;
}

/** The most memory the broker used while `work` ran, over what it used before, bytes. */
async function growthDuring(task: () => Promise<void>): Promise<number> {
  const before = await broker.rss();
  let most = before;
  const timer = setInterval(async () => {
    most = Math.max(most, await broker.rss());
  }, 5);
  await task().finally(() => clearInterval(timer));
  return most - before;
}

async function must(cwd: string, ...args: string[]): Promise<string> {
  const result = await git(args, { cwd, timeoutMs: TEST_MS_MAX, protocols: "http:file", extraEnv: author });
  if (result.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}
