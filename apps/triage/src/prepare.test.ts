import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { chmod, mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { forget, mustGit, refOf } from "@windshift/git-broker/broker-fixture.ts";
import { findShared } from "./checkout-handover.ts";
import { AGENT_USER, agentGit, preparedBase, startTriage, type TriageFixture } from "./triage-fixture.ts";

let host: TriageFixture;
let runs = 0;
beforeAll(async () => {
  host = await startTriage();
});
afterAll(() => host.stop());
const attempt = () => host.attempt(++runs);

/** Adds a commit to the base branch behind the broker. */
async function commitUpstream(files: Record<string, string>, branch = "main"): Promise<string> {
  const seed = join(host.broker.dir, "seed");
  await mustGit(host.broker, seed, "checkout", "-q", "-B", branch);
  for (const [path, content] of Object.entries(files)) await Bun.write(join(seed, path), content);
  await mustGit(host.broker, seed, "add", "-A");
  await mustGit(host.broker, seed, "commit", "-q", "--allow-empty", "-m", "upstream");
  await mustGit(host.broker, seed, "push", "-q", host.broker.repository, `HEAD:refs/heads/${branch}`);
  return mustGit(host.broker, seed, "rev-parse", "HEAD");
}

test("gives a clean checkout of the base commit, on the run's branch, without a remote", async () => {
  const head = await commitUpstream({ "src/a.txt": "a\n", "run.sh": "#!/bin/sh\n" });
  const one = await attempt();
  expect(preparedBase(await one.prepare())).toBe(head as never);
  expect(await agentGit(one.checkout, "rev-parse", "HEAD")).toBe(head);
  expect(await agentGit(one.checkout, "symbolic-ref", "HEAD")).toBe(one.run.ref);
  expect(await agentGit(one.checkout, "status", "--porcelain")).toBe("");
  expect(await agentGit(one.checkout, "remote")).toBe("");
  expect(await agentGit(one.checkout, "config", "user.email")).toBe("agent@windshift.local");
  expect(await Bun.file(join(one.checkout, "src/a.txt")).text()).toBe("a\n");
  await agentGit(one.checkout, "fsck", "--strict");
  if (process.getuid?.() === 0)
    for (const path of [".", ".git/config", ".git/objects/pack", "src", "src/a.txt"])
      expect(statSync(join(one.checkout, path))).toMatchObject(AGENT_USER);
});

test("follows the base branch, and one whose name lies below another's", async () => {
  const first = preparedBase(await (await attempt()).prepare());
  const next = await commitUpstream({ "next.txt": "n\n" });
  expect(preparedBase(await (await attempt()).prepare())).toBe(next as never);
  expect(next).not.toBe(first);
  const release = await commitUpstream({ "r.txt": "r\n" }, "release");
  expect(preparedBase(await (await attempt()).prepare({ base_ref: "release" }))).toBe(release as never);
  await mustGit(host.broker, host.broker.repository, "branch", "-D", "release");
  await mustGit(host.broker, host.broker.repository, "branch", "release/1", release);
  expect(preparedBase(await (await attempt()).prepare({ base_ref: "release/1" }))).toBe(release as never);
});

test("a run that pushed before goes on from its branch; the base is where that left main", async () => {
  const one = await attempt();
  const base = preparedBase(await one.prepare());
  const pushed = await commitUpstream({ "work.txt": "half done\n" }, one.run.ref.replace("refs/heads/", ""));
  await mustGit(host.broker, join(host.broker.dir, "seed"), "checkout", "-q", "main");
  await commitUpstream({ "later.txt": "l\n" });
  await rm(one.checkout, { recursive: true });
  await mkdir(one.checkout);
  expect(preparedBase(await one.prepare({ branch_oid: pushed }))).toBe(base);
  expect(await agentGit(one.checkout, "rev-parse", "HEAD")).toBe(pushed);
  expect(await Bun.file(join(one.checkout, "work.txt")).text()).toBe("half done\n");
  expect(existsSync(join(one.checkout, "later.txt"))).toBe(false);
});

test("nothing is fetched when the cache is where the server saw the base branch", async () => {
  const head = await commitUpstream({ "current.txt": "c\n" });
  preparedBase(await (await attempt()).prepare());
  forget(host.broker);
  const current = await attempt();
  expect(preparedBase(await current.prepare({ base_oid: head }))).toBe(head as never);
  expect(await Bun.file(join(current.checkout, "current.txt")).text()).toBe("c\n");
  expect(host.broker.seen).toEqual([]);
  const next = await commitUpstream({ "current.txt": "d\n" });
  expect(preparedBase(await (await attempt()).prepare({ base_oid: next }))).toBe(next as never);
});

test("two jobs on one host prepare at the same time", async () => {
  await commitUpstream({ "both.txt": "b\n" });
  await rm(host.cache, { recursive: true, force: true });
  const both = await Promise.all([attempt(), attempt(), attempt()]);
  const ends = await Promise.all(both.map((one) => one.prepare()));
  expect(new Set(ends.map(preparedBase)).size).toBe(1);
});

test("locks a killed git left behind do not stop the next job", async () => {
  await (await attempt()).prepare();
  const head = await commitUpstream({ "after.txt": "a\n" });
  for (const name of readdirSync(join(host.cache, "refs", "base")))
    await Bun.write(join(host.cache, "refs", "base", `${name}.lock`), "");
  expect(preparedBase(await (await attempt()).prepare())).toBe(head as never);
});

test("HG-13 what an agent does to its objects leaves the host's copy whole", async () => {
  const one = await attempt();
  await one.prepare();
  expect(findShared(join(one.checkout, ".git"))).toEqual([]);
  const packs = join(one.checkout, ".git", "objects", "pack");
  for (const name of readdirSync(packs)) {
    await chmod(join(packs, name), 0o644);
    await Bun.write(join(packs, name), "rubbish");
  }
  await mustGit(host.broker, host.cache, "fsck", "--strict", "--full");
  preparedBase(await (await attempt()).prepare());
});

test("HG-13 a checkout that shares anything is told", async () => {
  const one = await attempt();
  await one.prepare();
  const gitDir = join(one.checkout, ".git");
  await mkdir(join(gitDir, "objects", "info"), { recursive: true });
  await Bun.write(join(gitDir, "objects", "info", "alternates"), "/elsewhere\n");
  await symlink("/etc", join(gitDir, "link"));
  Bun.spawnSync(["ln", join(gitDir, "config"), join(one.root, "second-name")]);
  expect(
    findShared(gitDir)
      .map((problem) => problem.slice(gitDir.length + 1))
      .sort(),
  ).toEqual([
    "config has a second name",
    "link is neither a file nor a folder",
    "objects/info/alternates points at other objects",
  ]);
});

test("HG-12 submodules are not followed and links in the repository are not walked", async () => {
  const marker = join(host.broker.dir, "submodule-marker");
  const outside = join(host.broker.dir, "outside");
  await mkdir(outside);
  const seed = join(host.broker.dir, "seed");
  await mustGit(host.broker, seed, "checkout", "-q", "-B", "links");
  await symlink(outside, join(seed, "dir"));
  await symlink(".git", join(seed, "A"));
  const base = await mustGit(host.broker, seed, "rev-parse", "HEAD");
  const modules = `[submodule "x"]\n\tpath = "A/modules/x\\r"\n\turl = ext::sh -c touch% ${marker}\n\tupdate = checkout\n`;
  await Bun.write(join(seed, ".gitmodules"), modules);
  await mustGit(host.broker, seed, "update-index", "--add", "--cacheinfo", `160000,${base},sub`);
  await mustGit(host.broker, seed, "add", "dir", "A", ".gitmodules");
  await mustGit(host.broker, seed, "commit", "-q", "-m", "traps");
  await mustGit(host.broker, seed, "push", "-q", host.broker.repository, "HEAD:refs/heads/links");
  await mustGit(host.broker, seed, "checkout", "-q", "-f", "main");
  const one = await attempt();
  preparedBase(await one.prepare({ base_ref: "links" }));
  expect(existsSync(marker)).toBe(false);
  expect(readdirSync(outside)).toEqual([]);
  expect(statSync(outside).uid).toBe(process.getuid?.() ?? 0);
  expect(readdirSync(join(one.checkout, "sub"))).toEqual([]);
});

test("HG-12 a submodule address that is an option is refused when it is fetched", async () => {
  const seed = join(host.broker.dir, "seed");
  await mustGit(host.broker, seed, "checkout", "-q", "-B", "evil", "main");
  await Bun.write(join(seed, ".gitmodules"), '[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch\n');
  await mustGit(host.broker, seed, "add", ".gitmodules");
  await mustGit(host.broker, seed, "commit", "-q", "-m", "evil");
  // As an upstream that checks nothing would hold it: packed, and put there by hand.
  await mustGit(host.broker, seed, "push", "-q", host.broker.repository, "HEAD:refs/heads/evil");
  const { reply } = await (await attempt()).prepare({ base_ref: "evil" });
  expect(reply).toMatchObject({ kind: "failed", reason: "prepare_failed" });
  expect(JSON.stringify(reply)).toContain("gitmodulesUrl");
  await mustGit(host.broker, seed, "checkout", "-q", "-f", "main");
});

test("a base branch that does not exist is told, and none of the other branches", async () => {
  const { reply } = await (await attempt()).prepare({ base_ref: "trunk" });
  expect(reply).toMatchObject({ kind: "failed", reason: "prepare_failed" });
  expect(JSON.stringify(reply)).toContain(
    "has no branch trunk. If it is empty, push a first commit to trunk",
  );
  expect(JSON.stringify(reply)).not.toContain("main");
});

test("an empty repository is told as one without the branch", async () => {
  const empty = await startTriage();
  await rm(empty.broker.repository, { recursive: true });
  await mustGit(empty.broker, empty.broker.dir, "init", "-q", "--bare", empty.broker.repository);
  const { reply } = await (await empty.attempt(1)).prepare();
  expect(JSON.stringify(reply)).toContain("If it is empty, push a first commit to main");
  await empty.stop();
});

test("a token that is not the run's is refused by the broker and shown nowhere", async () => {
  const token = `wsrun_${"x".repeat(43)}`;
  const end = await (await attempt()).prepare({ token });
  expect(end.reply).toMatchObject({ kind: "failed", reason: "prepare_failed" });
  expect(JSON.stringify(end)).not.toContain("xxxxxxxx");
});

test("a folder that is not empty is left alone", async () => {
  const one = await attempt();
  await Bun.write(join(one.checkout, "mine.txt"), "mine\n");
  expect((await one.prepare()).reply).toMatchObject({ kind: "failed", reason: "prepare_failed" });
  expect(readdirSync(one.checkout)).toEqual(["mine.txt"]);
});

test("the token is in no argument and no environment while git runs, and in no file afterwards", async () => {
  const one = await attempt();
  const found: string[] = [];
  let looked = 0;
  host.broker.onLiveCheck = async () => {
    looked++;
    for await (const pid of new Bun.Glob("[0-9]*").scan({ cwd: "/proc", onlyFiles: false }))
      for (const name of ["cmdline", "environ"]) {
        const text = await Bun.file(`/proc/${pid}/${name}`)
          .text()
          .catch(() => "");
        if (text.includes(one.run.token) || text.includes(btoa(`windshift:${one.run.token}`)))
          found.push(`${pid} ${text}`);
      }
  };
  await one.prepare();
  host.broker.onLiveCheck = () => undefined;
  expect(looked).toBeGreaterThan(0);
  expect(found).toEqual([]);
  expect(readdirSync(host.temp)).toEqual([]);
  const left = Bun.spawnSync(["grep", "-rlF", one.run.token, one.root, host.cache]);
  expect(left.stdout.toString()).toBe("");
});

test("git sees no changed file though all of them changed their owner", async () => {
  const one = await attempt();
  await one.prepare();
  expect(await agentGit(one.checkout, "diff-files", "--name-only")).toBe("");
});

test("the branch of the run is not there before it is pushed", async () => {
  const one = await attempt();
  await one.prepare();
  expect(await refOf(host.broker, one.run.ref)).toBeUndefined();
});
