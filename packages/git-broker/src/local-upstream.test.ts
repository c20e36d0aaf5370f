import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { type BrokerFixture, mustGit, refOf, startBroker } from "./broker-fixture.ts";
import { localUpstream } from "./local-upstream.ts";
import { pktLine } from "./pkt-line.ts";

let broker: BrokerFixture;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.stop());

const MIB = 1_048_576;
/** What memory may grow by while a pack of any size passes, bytes. Source: PERFORMANCE, git broker. */
const GROWTH_BYTES_MAX = 64 * MIB;

/** The most memory this process used while `work` ran, over what it used before, bytes. */
async function growthDuring(work: () => Promise<void>): Promise<number> {
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 5);
  await work().finally(() => clearInterval(timer));
  return most - before;
}

test("GB-14 a pack of 96 MiB goes up and comes down in bounded memory, unchanged", async () => {
  const run = broker.grant(1);
  const work = join(broker.dir, "large");
  await mustGit(broker, broker.dir, "clone", "-q", run.urlWithToken, work);
  for (let part = 0; part < 96; part++) await appendFile(join(work, "large.bin"), randomBytes(MIB));
  await mustGit(broker, work, "config", "core.compression", "0");
  await mustGit(broker, work, "add", "large.bin");
  await mustGit(broker, work, "commit", "-q", "-m", "large");
  const up = await growthDuring(async () => {
    await mustGit(broker, work, "push", "-q", run.urlWithToken, `HEAD:${run.ref}`);
  });
  expect(broker.upstreamCalls.at(-1)?.bytes).toBeGreaterThan(96 * MIB);
  const down = await growthDuring(async () => {
    await mustGit(broker, broker.dir, "clone", "-q", "--bare", run.urlWithToken, "down.git");
  });
  expect(await refOf(broker, run.ref)).toBe(await mustGit(broker, work, "rev-parse", "HEAD"));
  expect(up).toBeLessThan(GROWTH_BYTES_MAX);
  expect(down).toBeLessThan(GROWTH_BYTES_MAX);
}, 60_000);

test("a reader that stops makes git stop, and one that leaves ends it", async () => {
  const leave = new AbortController();
  const upstream = localUpstream({ dir: broker.repository });
  const oid = await refOf(broker, "refs/heads/agent-runs/run-1");
  const want = Buffer.concat([
    pktLine(`want ${oid} side-band-64k\n`),
    Buffer.from("0000"),
    pktLine("done\n"),
  ]);
  const body = new Blob([new Uint8Array(want)]).stream();
  const reply = await upstream.rpc("git-upload-pack", body, undefined, leave.signal);
  const reader = reply.body.getReader();
  await reader.read();
  expect(await gitProcesses("upload-pack")).toBeGreaterThan(0);
  leave.abort();
  await eventually("git upload-pack is gone", async () => (await gitProcesses("upload-pack")) === 0);
});

test("an upload that breaks off leaves neither a ref nor half-written objects", async () => {
  const upstream = localUpstream({ dir: broker.repository });
  const head = Buffer.concat([
    pktLine(`${"0".repeat(40)} ${"a".repeat(40)} refs/heads/agent-runs/run-9\0report-status`),
    Buffer.from("0000PACK\0\0\0\u0002\0\0\0\u0009", "latin1"),
  ]);
  let pulls = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(head);
      else controller.error(new Error("the client went away"));
    },
  });
  const failed = upstream.rpc("git-receive-pack", body, undefined, new AbortController().signal);
  await expect(failed).rejects.toThrow("the client went away");
  await eventually("git receive-pack is gone", async () => (await gitProcesses("receive-pack")) === 0);
  expect(await refOf(broker, "refs/heads/agent-runs/run-9")).toBeUndefined();
  expect((await Array.fromAsync(new Bun.Glob("objects/tmp_objdir*/**").scan(broker.repository))).length).toBe(
    0,
  );
});

test("hooks and configuration of the repository start nothing", async () => {
  const run = broker.grant(2);
  const marker = join(broker.dir, "marker");
  const hook = `#!/bin/sh\ntouch ${marker}\n`;
  for (const name of [
    "pre-receive",
    "update",
    "post-receive",
    "post-update",
    "reference-transaction",
    "proc-receive",
  ]) {
    await mkdir(join(broker.repository, "hooks"), { recursive: true });
    await Bun.write(join(broker.repository, "hooks", name), hook, { mode: 0o755 });
  }
  await mustGit(broker, broker.repository, "config", "uploadpack.packObjectsHook", `touch ${marker};`);
  const work = join(broker.dir, "hooked");
  await mustGit(
    broker,
    broker.dir,
    "clone",
    "-q",
    "--single-branch",
    "--no-checkout",
    run.urlWithToken,
    work,
  );
  await mustGit(broker, work, "commit", "-q", "--allow-empty", "-m", "x");
  await mustGit(broker, work, "push", "-q", run.urlWithToken, `HEAD:${run.ref}`);
  expect(await refOf(broker, run.ref)).toBe(await mustGit(broker, work, "rev-parse", "HEAD"));
  expect(await Bun.file(marker).exists()).toBe(false);
});

test("GB-32 a sha256 repository can be read and not pushed to", async () => {
  const other = await startBroker();
  const source = join(other.dir, "sha256");
  await mustGit(other, other.dir, "init", "-q", "--object-format=sha256", "-b", "main", source);
  await mustGit(other, source, "commit", "-q", "--allow-empty", "-m", "first");
  await mustGit(other, other.dir, "clone", "-q", "--bare", source, "sha256.git");
  const run = other.grant(3, { upstream: localUpstream({ dir: join(other.dir, "sha256.git") }) });
  const work = join(other.dir, "work");
  await mustGit(other, other.dir, "clone", "-q", run.urlWithToken, work);
  await mustGit(other, work, "commit", "-q", "--allow-empty", "-m", "second");
  const pushed = await other.client(work, ["push", run.urlWithToken, `HEAD:${run.ref}`]);
  expect(pushed.exitCode).not.toBe(0);
  expect(other.refusals).toHaveLength(1);
  await other.stop();
});

test("GB-34 names that look like options are operands or no names at all", async () => {
  const upstream = localUpstream({ dir: "--advertise-refs" });
  await expect(
    upstream.advertise("git-upload-pack", undefined, new AbortController().signal),
  ).rejects.toMatchObject({ code: "upstream_failed" });
  const run = broker.grant(4);
  for (const path of ["4/-acme/repo.git", "4/acme/--upload-pack=x.git", "4/acme/-oProxyCommand.git"]) {
    const reply = await fetch(`${broker.origin}/api/git-proxy/${path}/info/refs?service=git-upload-pack`, {
      headers: { authorization: `Basic ${btoa(`x:${run.token}`)}` },
    });
    expect(reply.status).toBe(404);
  }
});

/** Living git processes of this test's repository. */
async function gitProcesses(command: string): Promise<number> {
  let found = 0;
  for await (const pid of new Bun.Glob("[0-9]*").scan({ cwd: "/proc", onlyFiles: false })) {
    const line = await Bun.file(`/proc/${pid}/cmdline`)
      .text()
      .catch(() => "");
    if (line.includes(command) && line.includes(broker.repository)) found++;
  }
  return found;
}
