import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { chmod, rm } from "node:fs/promises";
import { join } from "node:path";
import { EXPORT_EXIT } from "@windshift/contract/export-script.ts";
import type { Oid } from "@windshift/contract/ids.ts";
import { mustGit, refOf } from "@windshift/git-broker/broker-fixture.ts";
import { pktLine } from "@windshift/git-broker/pkt-line.ts";
import {
  type AttemptFixture,
  agentGit,
  preparedBase,
  startTriage,
  type TriageFixture,
} from "./triage-fixture.ts";

let host: TriageFixture;
let one: AttemptFixture;
let base: Oid;
let runs = 0;
beforeAll(async () => {
  host = await startTriage();
});
afterAll(() => host.stop());
beforeEach(async () => {
  one = await host.attempt(++runs);
  base = preparedBase(await one.prepare());
});
const arrived = () => refOf(host.broker, one.run.ref);
const agent = (...args: string[]) => agentGit(one.checkout, ...args);

/** Export and push, as after an agent that meant well. */
async function deliver(change: object = {}) {
  expect(await one.exportHere(base)).toBe(EXPORT_EXIT.bundle);
  const { reply } = await one.push(base, change);
  expect(existsSync(one.clean)).toBe(false);
  return reply;
}

test("pushes the agent's commits as they are", async () => {
  await one.commit("a.txt", "a\n");
  const head = await one.commit("b.txt", "b\n");
  expect(await deliver()).toEqual({
    kind: "pushed",
    head_oid: head,
    commits: 2,
    flattened: false,
    changes: {
      files: [
        { path: "a.txt", status: "added", added: 1, deleted: 0 },
        { path: "b.txt", status: "added", added: 1, deleted: 0 },
      ],
      more: 0,
    },
  });
  expect(await arrived()).toBe(head);
  expect(host.broker.pushed.at(-1)).toMatchObject({ runId: one.run.runId, oid: head });
  expect(readdirSync(host.temp)).toEqual([]);
});

test("F31 a run without commits exports nothing", async () => {
  await Bun.write(join(one.checkout, "left.txt"), "uncommitted\n");
  expect(await one.exportHere(base)).toBe(EXPORT_EXIT.nothing);
});

test("F31 a detached HEAD that is ahead wins over the branch", async () => {
  await one.commit("a.txt", "a\n");
  await agent("checkout", "-q", "--detach");
  const head = await one.commit("b.txt", "b\n");
  expect(await deliver()).toMatchObject({ kind: "pushed", head_oid: head, commits: 2 });
});

test("F31 the branch counts when HEAD went back to the base", async () => {
  const head = await one.commit("a.txt", "a\n");
  await agent("checkout", "-q", "--detach", base);
  expect(await deliver()).toMatchObject({ kind: "pushed", head_oid: head });
});

test("F31 a deleted branch does not matter", async () => {
  await agent("checkout", "-q", "--detach");
  const head = await one.commit("a.txt", "a\n");
  await agent("branch", "-D", one.branch);
  expect(await deliver()).toMatchObject({ kind: "pushed", head_oid: head });
});

test("a merge of its own side branch is pushed whole", async () => {
  await agent("checkout", "-q", "-b", "side");
  await one.commit("side.txt", "s\n");
  await agent("checkout", "-q", one.branch);
  await one.commit("a.txt", "a\n");
  await agent("merge", "-q", "--no-edit", "side");
  const head = await agent("rev-parse", "HEAD");
  expect(await deliver()).toMatchObject({ kind: "pushed", head_oid: head, commits: 3, flattened: false });
});

for (const [how, rewrite] of [
  ["amended away", () => agent("commit", "-q", "--amend", "-m", "mine now")],
  [
    "started anew",
    () => agent("checkout", "-q", "--orphan", "anew").then(() => agent("commit", "-q", "-m", "anew")),
  ],
] as const)
  test(`F31 a base that was ${how} becomes one commit of the final files on the base`, async () => {
    await Bun.write(join(one.checkout, "final.txt"), "final\n");
    await agent("add", "-A");
    await rewrite();
    const tree = await agent("rev-parse", "HEAD^{tree}");
    const reply = await deliver({ message: "Final files\n\nRun: 7\n" });
    expect(reply).toMatchObject({ kind: "pushed", commits: 1, flattened: true });
    const show = (format: string) =>
      mustGit(host.broker, host.broker.repository, "log", "-1", `--format=${format}`, one.run.ref);
    expect(await show("%P %T %an <%ae> %B")).toBe(
      `${base} ${tree} windshift-agent <agent@windshift.local> Final files\n\nRun: 7`,
    );
  });

test("a git that cannot tell whether the commits stand on the base fails the export and flattens nothing", async () => {
  await one.commit("a.txt", "a\n");
  const bin = join(one.root, "bin");
  const broken = `#!/bin/sh\ncase " $* " in *" merge-base "*) echo 'fatal: out of memory' >&2; exit 128;; esac\n`;
  await Bun.write(join(bin, "git"), `${broken}exec ${Bun.which("git")} "$@"\n`);
  await chmod(join(bin, "git"), 0o755);
  expect(await one.exportHere(base)).toBe(EXPORT_EXIT.bundle);
  const { reply } = await one.push(base, {}, `${bin}:${process.env.PATH}`);
  expect(reply).toMatchObject({
    kind: "failed",
    reason: "export_failed",
    detail: expect.stringContaining("out of memory"),
  });
  expect(await arrived()).toBeUndefined();
});

test("a rewritten history with the base's own files is no change", async () => {
  await agent("commit", "-q", "--amend", "-m", "only the words");
  expect(await deliver()).toEqual({ kind: "no_changes" });
  expect(await arrived()).toBeUndefined();
});

test("a base that is gone from the checkout still gives the commits", async () => {
  const head = await one.commit("a.txt", "a\n");
  await agent("checkout", "-q", "--orphan", "anew");
  await agent("commit", "-q", "-m", "anew");
  await agent("branch", "-D", one.branch);
  await agent("reflog", "expire", "--all", "--expire=now");
  await agent("gc", "-q", "--prune=now");
  expect((await deliver()).kind).toBe("pushed");
  expect(await arrived()).not.toBe(head);
});

test("F34 a second attempt replaces the branch only if it is what it was at the claim", async () => {
  const first = await one.commit("a.txt", "first\n");
  await deliver();
  await agent("reset", "-q", "--hard", base);
  const second = await one.commit("a.txt", "second\n");
  expect(await deliver()).toMatchObject({
    kind: "failed",
    reason: "push_rejected",
    detail: expect.stringContaining("were not overwritten"),
  });
  expect(await deliver({ branch_oid: "1".repeat(40) })).toMatchObject({
    kind: "failed",
    reason: "push_rejected",
  });
  expect(await arrived()).toBe(first);
  expect(await deliver({ branch_oid: first })).toMatchObject({ kind: "pushed", head_oid: second });
  expect(await arrived()).toBe(second);
});

test("F34 a branch that a person deleted meanwhile is not made again", async () => {
  const first = await one.commit("a.txt", "first\n");
  await deliver();
  await mustGit(host.broker, host.broker.repository, "update-ref", "-d", one.run.ref);
  await one.commit("a.txt", "second\n");
  expect(await deliver({ branch_oid: first })).toMatchObject({
    kind: "failed",
    reason: "push_rejected",
    detail: expect.stringContaining("it is not what it was when this attempt began"),
    patch: { text: expect.stringContaining("+second") },
  });
  expect(await arrived()).toBeUndefined();
});

test("F31 an agent that stops in the middle of a merge with conflicts delivers what it had committed", async () => {
  await agent("checkout", "-q", "-b", "side");
  await one.commit("both.txt", "theirs\n");
  await agent("checkout", "-q", one.branch);
  const head = await one.commit("both.txt", "ours\n");
  await expect(agent("merge", "-q", "--no-edit", "side")).rejects.toThrow("git merge");
  expect(await Bun.file(join(one.checkout, "both.txt")).text()).toContain("<<<<<<<");
  expect(await deliver()).toMatchObject({ kind: "pushed", head_oid: head, commits: 1 });
  const shown = await mustGit(host.broker, host.broker.repository, "show", `${one.run.ref}:both.txt`);
  expect(shown).toBe("ours");
});

test("F31 a base branch that was rewritten meanwhile takes nothing from a run; the next one begins at what it is now", async () => {
  const { broker } = host;
  const head = await one.commit("a.txt", "a\n");
  const tree = await mustGit(broker, broker.repository, "rev-parse", "main^{tree}");
  const rewritten = await mustGit(broker, broker.repository, "commit-tree", tree, "-m", "anew");
  await mustGit(broker, broker.repository, "update-ref", "refs/heads/main", rewritten);
  expect(await deliver()).toMatchObject({ kind: "pushed", head_oid: head, commits: 1 });
  const next = await host.attempt(++runs);
  expect(preparedBase(await next.prepare())).toBe(rewritten as Oid);
  expect(await agentGit(next.checkout, "rev-parse", "HEAD")).toBe(rewritten);
});

/** In front of the broker: reads a push and answers as for a forge that does not take it. */
function refusing(why: string, said: string) {
  const band = (number: number, text: string) => pktLine(`${String.fromCharCode(number)}${text}`);
  const report = `${pktLine("unpack ok\n")}${pktLine(`ng ${one.run.ref} ${why}\n`)}0000`;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async ({ method, url, headers, body }) => {
      const { pathname, search } = new URL(url);
      if (method === "GET") return fetch(`${host.broker.origin}${pathname}${search}`, { headers });
      await new Response(body).bytes();
      return new Response(`${band(2, `${said}\n`)}${band(1, report)}0000`, {
        headers: { "content-type": "application/x-git-receive-pack-result" },
      });
    },
  });
  return {
    clone_url: one.run.url.replace(host.broker.origin, server.url.origin),
    stop: () => server.stop(true),
  };
}

test("F32 a push that the forge does not take fails in the forge's words, and its work comes back as a patch", async () => {
  await one.commit("a.txt", "a\n");
  expect(await one.exportHere(base)).toBe(EXPORT_EXIT.bundle);
  for (const [why, said, word] of [
    ["protected branch hook declined", "GH006: Protected branch update failed", "GH006"],
    ["pre-receive hook declined", "no \u001b]0;colours\u0007 \u001b[31mplease", "please"],
    ["repository is over its quota", "5 GB of 5 GB are used", "5 GB"],
    ["non-fast-forward", "the branch has moved", "has moved"],
  ] as const) {
    const { clone_url, stop } = refusing(why, said);
    const { reply } = await one.push(base, { clone_url }).finally(stop);
    if (reply.kind !== "failed") throw new Error(JSON.stringify(reply));
    expect(reply).toMatchObject({
      reason: "push_rejected",
      changes: { files: [{ path: "a.txt" }], more: 0 },
    });
    expect([reply.busy, reply.unreachable]).toEqual([undefined, undefined]);
    expect(reply.detail).toContain(why);
    expect(reply.detail).toContain(word);
    expect(reply.detail.replaceAll("\n", " ")).not.toMatch(/\p{Cc}/u);
    expect(JSON.stringify(reply)).not.toContain(one.run.token);
    expect(reply.patch?.text).toContain("+a\n");
    expect(reply.patch?.truncated).toBe(false);
  }
  expect(await arrived()).toBeUndefined();
});

test("what the broker refuses is told in its words, without the token", async () => {
  await one.commit("a.txt", "a\n");
  await one.exportHere(base);
  one.run.live = false;
  const { reply } = await one.push(base);
  expect(reply).toMatchObject({ kind: "failed", reason: "push_rejected" });
  expect(JSON.stringify(reply)).toContain("this run has ended");
  expect(JSON.stringify(reply)).not.toContain(one.run.token);
  one.run.live = true;
  expect(JSON.stringify((await one.push(base, { branch: "agent-runs/run-999" })).reply)).not.toContain(
    "pushed",
  );
});

/** A bundle made by hand in the checkout. */
async function bundle(...args: string[]): Promise<void> {
  await agent("bundle", "create", "-q", "--version=2", one.bundle, ...args);
}

test("HG-15 further refs in the bundle are not read", async () => {
  const head = await one.commit("a.txt", "a\n");
  await agent("branch", "main", head);
  await agent("tag", "v1", head);
  await bundle("HEAD", "main", "v1", `refs/heads/${one.branch}`, `^${base}`);
  const main = await refOf(host.broker, "refs/heads/main");
  expect((await one.push(base)).reply).toMatchObject({ kind: "pushed", head_oid: head });
  expect(await refOf(host.broker, "refs/heads/main")).toBe(main);
  expect(await refOf(host.broker, "refs/tags/v1")).toBeUndefined();
  await bundle("main", `^${base}`);
  expect((await one.push(base)).reply).toEqual({ kind: "no_changes" });
});

test("HG-15 a bundle on commits nobody has is refused", async () => {
  const hidden = await one.commit("a.txt", "a\n");
  await one.commit("b.txt", "b\n");
  await bundle("HEAD", `^${hidden}`);
  expect((await one.push(base)).reply).toMatchObject({ kind: "failed", reason: "export_failed" });
  expect(await arrived()).toBeUndefined();
});

for (const [what, entry] of [
  [".git", ".git"],
  [".GIT on a Mac", ".gi\u200ct"],
  ["..", ".."],
] as const)
  test(`HG-15 a tree with an entry ${what} is refused`, async () => {
    const blob = await agent("hash-object", "-w", "run.sh").catch(() =>
      agent("hash-object", "-w", "README.md"),
    );
    const raw = Buffer.concat([Buffer.from(`100644 ${entry}\0`), Buffer.from(blob, "hex")]);
    await Bun.write(join(one.root, "tree"), raw);
    const tree = await agent("hash-object", "-t", "tree", "-w", "--literally", join(one.root, "tree"));
    const commit = await agent("commit-tree", "-p", base, "-m", "x", tree);
    await agent("update-ref", one.run.ref, commit);
    await bundle("HEAD", `^${base}`);
    expect((await one.push(base)).reply).toMatchObject({ kind: "failed", reason: "export_failed" });
    expect(await arrived()).toBeUndefined();
  });

test("HG-15 a submodule address that is an option is refused", async () => {
  await one.commit(".gitmodules", '[submodule "x"]\n\tpath = x\n\turl = -oProxyCommand=touch\n');
  expect(await deliver()).toMatchObject({ kind: "failed", reason: "export_failed" });
});

test("HG-15 a thousand commits pass and one more does not", async () => {
  const tree = await agent("rev-parse", "HEAD^{tree}");
  const lines = Array.from({ length: 1_001 }, (_, i) =>
    [
      `commit refs/heads/many`,
      `mark :${i + 1}`,
      `committer a <a@b> ${i} +0000`,
      "data 1",
      "x",
      `from ${i === 0 ? base : `:${i}`}`,
      "",
    ].join("\n"),
  );
  await Bun.spawn(["git", "-c", "safe.directory=*", "fast-import", "--quiet"], {
    cwd: one.checkout,
    stdin: Buffer.from(lines.join("\n")),
  }).exited;
  expect(tree).toHaveLength(40);
  await agent("update-ref", one.run.ref, "refs/heads/many");
  const over = await deliver();
  expect(over).toMatchObject({
    kind: "failed",
    reason: "export_failed",
    detail: expect.stringContaining("1000"),
  });
  await agent("update-ref", one.run.ref, "refs/heads/many~1");
  expect(await deliver()).toMatchObject({ kind: "pushed", commits: 1_000 });
});

for (const [what, content] of [
  ["nothing", ""],
  ["text", "not a bundle\n"],
  ["a bundle cut short", "# v2 git bundle\n"],
] as const)
  test(`HG-15 ${what} in place of a bundle is refused`, async () => {
    await Bun.write(one.bundle, content);
    expect((await one.push(base)).reply).toMatchObject({ kind: "failed", reason: "export_failed" });
    expect(existsSync(one.clean)).toBe(false);
  });

test("HG-15 a pack that was tampered with is refused", async () => {
  await one.commit("a.txt", "a\n");
  await one.exportHere(base);
  const bytes = new Uint8Array(await Bun.file(one.bundle).arrayBuffer());
  bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 0xff;
  await Bun.write(one.bundle, bytes);
  expect((await one.push(base)).reply).toMatchObject({ kind: "failed", reason: "export_failed" });
});

test("a host copy that was lost is a failure that says so", async () => {
  await one.commit("a.txt", "a\n");
  await one.exportHere(base);
  const elsewhere = join(one.root, "no-such-cache");
  expect((await one.push(base, { cache_dir: elsewhere })).reply).toMatchObject({
    kind: "failed",
    reason: "export_failed",
  });
  await rm(one.bundle);
  expect((await one.push(base)).reply).toMatchObject({ kind: "failed", reason: "export_failed" });
});

test("tells what became of each file, whatever its name and content, and how many it does not list", async () => {
  const names = ["tab\there", "line\nbreak", "a ünï", "-dash", ":100644 100644 a b M"];
  for (const name of names) await Bun.write(join(one.checkout, name), "one\ntwo\n");
  await Bun.write(join(one.checkout, "picture.bin"), new Uint8Array([0, 1, 2]));
  await rm(join(one.checkout, "README.md"));
  for (let n = 0; n < 300; n++) await Bun.write(join(one.checkout, `z/${String(n).padStart(3, "0")}`), "x\n");
  await agent("add", "-A");
  await agent("commit", "-q", "-m", "much");
  const reply = await deliver();
  if (reply.kind !== "pushed" || reply.changes === undefined) throw new Error(JSON.stringify(reply));
  const { files, more } = reply.changes;
  expect([files.length, more]).toEqual([300, 7]);
  const of = (path: string) => files.find((file) => file.path === path);
  for (const path of names) expect(of(path)).toEqual({ path, status: "added", added: 2, deleted: 0 });
  expect(of("picture.bin")).toMatchObject({ status: "added", added: null, deleted: null });
  expect(of("README.md")).toMatchObject({ status: "deleted", added: 0 });
});

test("a patch that is asked for goes nowhere and can be applied to the base", async () => {
  await Bun.write(join(one.checkout, ".gitattributes"), "* diff=evil\n");
  await agent("config", "diff.evil.textconv", "touch /tmp/evil-$$; cat");
  await one.commit("a.txt", "a\n");
  const calls = host.broker.upstreamCalls.length;
  const reply = await deliver({ deliver: "patch" });
  if (reply.kind !== "patched") throw new Error(JSON.stringify(reply));
  expect(reply).toMatchObject({
    commits: 1,
    flattened: false,
    changes: { more: 0 },
    patch: { truncated: false },
  });
  expect(await arrived()).toBeUndefined();
  expect(host.broker.upstreamCalls).toHaveLength(calls);
  await agent("checkout", "-q", "--detach", base);
  const file = join(one.root, "made.patch");
  await Bun.write(file, reply.patch.text);
  await agent("apply", file);
  expect(await Bun.file(join(one.checkout, "a.txt")).text()).toBe("a\n");
});

test("a patch that is too large is cut after a whole line, and says so, however much of it has to be escaped", async () => {
  await one.commit("long.txt", "\u0001\u0001\u0001\u0001\u0001\u0001\u0001\n".repeat(200_000));
  const reply = await deliver({ deliver: "patch" });
  if (reply.kind !== "patched") throw new Error(JSON.stringify(reply));
  const { text, truncated } = reply.patch;
  expect(truncated).toBe(true);
  expect(text.endsWith("\n")).toBe(true);
  expect(Buffer.byteLength(JSON.stringify(text))).toBeLessThanOrEqual(400_002);
  expect(text.length).toBeGreaterThan(40_000);
});
