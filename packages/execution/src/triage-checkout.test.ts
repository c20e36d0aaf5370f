import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RUN_FILES_MAX, RUN_PATCH_BYTES_MAX } from "@windshift/contract/limits.ts";
import { type TriageReply, TriageRequest } from "@windshift/contract/triage.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { jobFixture } from "@windshift/testing/job-fixture.ts";
import { processesWith } from "@windshift/testing/process-probe.ts";
import type { AttemptPaths } from "./checkout.ts";
import { CloneCache } from "./clone-cache.ts";
import { cloneKey } from "./clone-key.ts";
import { removeTree } from "./tree-removal.ts";
import { TriageCheckout, type TriageCheckoutOptions } from "./triage-checkout.ts";

const OID = "0123456789abcdef0123456789abcdef01234567";
const NEVER = new AbortController().signal;
const QUIET = () => undefined;
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "windshift-triage-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A checkout over a shell script that stands in for `windshift-triage`. */
async function checkoutOf(script: string, over: Partial<TriageCheckoutOptions> = {}) {
  const fixture = await jobFixture("");
  await fixture.dispose();
  const checkout = new TriageCheckout({
    program: { argv: ["/bin/sh", "-c", script], env: { PATH: "/usr/bin:/bin", OUT: root } },
    worktreeRoot: join(root, "worktrees"),
    cacheRoot: join(root, "cache"),
    owner: null,
    removeDir: removeTree,
    ...over,
  });
  return { checkout, job: fixture.job };
}
function pathsOf(opened: AttemptPaths | { kind: "failed" }): AttemptPaths {
  if ("kind" in opened) throw new Error(JSON.stringify(opened));
  return opened;
}

test("asks for prepare with the token on stdin, and passes progress and the base on", async () => {
  const { checkout, job } = await checkoutOf(
    `cat > $OUT/request; echo "receiving with $(sed 's/.*"token":"\\([^"]*\\)".*/\\1/' $OUT/request)" >&2
     tr '\\0' ' ' < /proc/$$/cmdline > $OUT/argv; env > $OUT/env; echo '{"kind":"prepared","base_oid":"${OID}"}'`,
  );
  const paths = pathsOf(await checkout.open(job));
  const progress: string[] = [];
  const reply = await checkout.prepare(job, paths, NEVER, (line) => void progress.push(line));
  expect(reply).toEqual({ kind: "prepared", base_oid: OID });
  expect(progress).toEqual(["receiving with wsrun_[redacted]"]);
  const request = TriageRequest.parse(JSON.parse(await readFile(join(root, "request"), "utf8")));
  expect(request).toMatchObject({
    op: "prepare",
    token: job.tokens.git,
    cache_dir: join(root, "cache", `${cloneKey(job.repo)}.git`),
    checkout_dir: paths.checkout,
    branch: `agent-runs/run-${job.run_id}`,
  });
  for (const file of ["argv", "env"])
    expect(await readFile(join(root, file), "utf8")).not.toContain("wsrun_");
  await checkout.close(paths);
  expect(existsSync(paths.root)).toBe(false);
});

test("the folders of an attempt exist before it is prepared, and others cannot list them", async () => {
  const { checkout, job } = await checkoutOf("exit 1");
  const paths = pathsOf(await checkout.open(job));
  expect(paths.root).toEndWith(`/run-${job.run_id}-1`);
  expect((await stat(paths.checkout)).isDirectory()).toBe(true);
  expect((await stat(paths.root)).mode & 0o044).toBe(0);
});

test("what is left of an older attempt's folder is removed, never worked in", async () => {
  const { checkout, job } = await checkoutOf("exit 1");
  const paths = pathsOf(await checkout.open(job));
  await writeFile(join(paths.checkout, "planted"), "x");
  await checkout.open(job);
  expect(existsSync(join(paths.checkout, "planted"))).toBe(false);
});

test("the clone of an attempt is held from before its checkout to after its folders are gone", async () => {
  const clones = new CloneCache({
    root: join(root, "cache"),
    path: "/usr/bin:/bin",
    bytesMax: 0,
    ageMsMax: 0,
    nowMs: Date.now,
    log: { info: QUIET, warn: QUIET, error: QUIET },
  });
  const { checkout, job } = await checkoutOf("exit 1", { clones });
  const clone = join(root, "cache", `${cloneKey(job.repo)}.git`);
  await mkdir(clone, { recursive: true });
  const paths = pathsOf(await checkout.open(job));
  await checkout.prepare(job, paths, NEVER, QUIET);
  await clones.tidy();
  expect(existsSync(clone)).toBe(true);
  await checkout.close(paths);
  await eventually("the clone is gone", async () => {
    await clones.tidy();
    return !existsSync(clone);
  });
});

test("HG-14 the runs of a repository share its clone; another workspace, server or repository never does", async () => {
  const { checkout, job } = await checkoutOf(
    `sed 's/.*"cache_dir":"\\([^"]*\\)".*/\\1/' > $OUT/cache-dir; echo '{"kind":"prepared","base_oid":"${OID}"}'`,
  );
  const at = (server: string, run: number, repository: string) =>
    `http://${server}/api/git-proxy/${run}/${repository}.git`;
  const cloneOf = async (cache_key: string, clone_url: string) => {
    Object.assign(job.repo, { cache_key, clone_url });
    const paths = pathsOf(await checkout.open(job));
    await checkout.prepare(job, paths, NEVER, QUIET);
    await checkout.close(paths);
    return (await readFile(join(root, "cache-dir"), "utf8")).trim();
  };
  const own = await cloneOf("w1-r1", at("a.test", 1, "acme/shop"));
  expect(own).toMatch(/\/cache\/w1-r1-[0-9a-f]{16}\.git$/);
  expect(await cloneOf("w1-r1", at("a.test", 2, "acme/shop"))).toBe(own);
  const others = [
    await cloneOf("w2-r2", at("a.test", 3, "acme/shop")),
    // A host that was registered with another server, and one whose server went back to an older backup, meet the same numbers again.
    await cloneOf("w1-r1", at("b.test", 1, "acme/shop")),
    await cloneOf("w1-r1", at("a.test", 4, "acme/plans")),
  ];
  expect(new Set([own, ...others]).size).toBe(4);
});

test("F32 a reply with the largest patch there is arrives whole, with what it says of another try", async () => {
  const text = "x".repeat(RUN_PATCH_BYTES_MAX);
  const file = { path: "p".repeat(200), status: "added" as const, added: 1, deleted: 0 };
  const reply: TriageReply = {
    kind: "failed",
    reason: "push_rejected",
    detail: "the repository's host is busy",
    busy: true,
    changes: { files: Array(RUN_FILES_MAX).fill(file), more: 7 },
    patch: { text, truncated: true },
  };
  await writeFile(join(root, "large-reply"), JSON.stringify(reply));
  const { checkout, job } = await checkoutOf("cat $OUT/large-reply");
  const paths = pathsOf(await checkout.open(job));
  expect(await checkout.push(job, paths, OID, NEVER, QUIET)).toEqual(reply);
  await checkout.close(paths);
});

test("push hands over the base, the bundle and what the branch pointed at", async () => {
  const { checkout, job } = await checkoutOf(
    `cat > $OUT/push; echo '{"kind":"pushed","head_oid":"${OID}","commits":2,"flattened":false}'`,
  );
  job.repo.branch_oid = OID;
  const paths = pathsOf(await checkout.open(job));
  const reply = await checkout.push(job, paths, OID, NEVER, QUIET);
  expect(reply).toEqual({ kind: "pushed", head_oid: OID, commits: 2, flattened: false });
  const request = TriageRequest.parse(JSON.parse(await readFile(join(root, "push"), "utf8")));
  expect(request).toMatchObject({ op: "push", bundle_file: paths.bundle, base_oid: OID, branch_oid: OID });
});

test("of a job that may not push, a patch is asked for", async () => {
  const { checkout, job } = await checkoutOf(
    `cat > $OUT/push; echo '{"kind":"patched","commits":1,"flattened":false,"patch":{"text":"+a","truncated":false}}'`,
  );
  job.push = false;
  const reply = await checkout.push(job, pathsOf(await checkout.open(job)), OID, NEVER, QUIET);
  expect(reply).toMatchObject({ kind: "patched", patch: { text: "+a" } });
  expect(JSON.parse(await readFile(join(root, "push"), "utf8"))).toMatchObject({
    op: "push",
    deliver: "patch",
  });
});

test("a triage that dies or answers nonsense is a failure that quotes its last lines", async () => {
  for (const script of ["echo 'no space left' >&2; exit 3", "echo 'no space left' >&2; echo hello"]) {
    const { checkout, job } = await checkoutOf(script);
    const reply = await checkout.prepare(job, pathsOf(await checkout.open(job)), NEVER, QUIET);
    expect(reply).toMatchObject({ kind: "failed", reason: "prepare_failed" });
    expect(JSON.stringify(reply)).toContain("no space left");
  }
});

test("a triage that is not installed names the setting", async () => {
  const program = { argv: ["/nonexistent/windshift-triage"], env: {} };
  const { checkout, job } = await checkoutOf("", { program });
  const reply = await checkout.push(job, pathsOf(await checkout.open(job)), OID, NEVER, QUIET);
  expect(reply).toMatchObject({ kind: "failed", reason: "push_rejected" });
  expect(JSON.stringify(reply)).toContain("WSRUNNER_TRIAGE_BIN");
});

test("an abort ends triage with everything it started", async () => {
  const mark = `triage-mark-${process.pid}`;
  const { checkout, job } = await checkoutOf(`sh -c ': ${mark}; while :; do sleep 0.05; done' & wait`);
  const abort = new AbortController();
  const running = checkout.prepare(job, pathsOf(await checkout.open(job)), abort.signal, QUIET);
  await eventually("the program runs", () => processesWith(mark).length > 0);
  abort.abort();
  expect(await running).toMatchObject({ kind: "failed", reason: "prepare_failed" });
  await eventually("the program is gone", () => processesWith(mark).length === 0);
});

test("a worktree folder that cannot be used is a worktree failure", async () => {
  for (const worktreeRoot of ["worktrees", "/proc/nowhere/worktrees", "/dev/null"]) {
    const { checkout, job } = await checkoutOf("exit 0", { worktreeRoot });
    const opened = await checkout.open(job);
    expect(opened).toMatchObject({ kind: "failed", reason: "worktree" });
    expect(JSON.stringify(opened)).toContain("CODING_AGENT_WORKTREE_ROOT");
  }
});
