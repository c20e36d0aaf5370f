import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { createToken } from "@windshift/contract/tokens.ts";
import { type BrokerFixture, forget, mustGit, post, refOf, startBroker } from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";
import { type InspectedRun, type QuarantineFixture, startQuarantine } from "./quarantine-fixture.ts";

let broker: BrokerFixture;
let quarantine: QuarantineFixture;
let run: InspectedRun;
let runs = 100;
const next = () => runs++;

beforeAll(async () => {
  broker = await startBroker();
  quarantine = await startQuarantine(broker);
}, 30_000);
afterAll(async () => {
  quarantine.stop();
  await broker.stop();
});
beforeEach(async () => {
  run = await quarantine.grant(next());
  forget(broker);
}, 30_000);
afterEach(async () => {
  expect(await quarantine.leftovers()).toEqual([]);
});

/** Shaped like a real one and made up here, so that no scanner of this repository takes it for one that leaked. */
const canary = () => `ghp_${"A1b2C3d4E5f6G7h8".repeat(3).slice(0, 36)}`;

async function expectRefused(refspec: string, ...sentences: string[]): Promise<void> {
  const before = await refOf(broker, run.ref);
  const result = await run.push(refspec);
  expect(result.exitCode).not.toBe(0);
  for (const sentence of sentences) expect(result.stderr).toContain(`remote: ${sentence}`);
  expect(result.stdout).toContain("[remote rejected] (refused by Windshift)");
  expect(await refOf(broker, run.ref)).toBe(before as string);
  expect(broker.pushed).toEqual([]);
  expect(broker.refusals).toHaveLength(1);
}

test("an honest push arrives, and a second one on top of it", async () => {
  const first = await run.commit({ "src/a.ts": "export const a = 1;\n" });
  expect((await run.push(`HEAD:${run.ref}`)).stderr).not.toContain("remote:");
  expect(await refOf(broker, run.ref)).toBe(first);
  const second = await run.commit({ "src/b.ts": "export const b = 2;\n", "README.md": null });
  expect((await run.push(`HEAD:${run.ref}`)).exitCode).toBe(0);
  expect(await refOf(broker, run.ref)).toBe(second);
  expect(broker.pushed.map(({ oid }) => String(oid))).toEqual([first, second]);
});

test("a rewritten branch arrives, and an earlier commit of it", async () => {
  const first = await run.commit({ "a.txt": "1\n" });
  await run.commit({ "b.txt": "2\n" });
  await run.push(`HEAD:${run.ref}`);
  await run.git("reset", "-q", "--hard", "HEAD^");
  expect((await run.push(`+HEAD:${run.ref}`)).exitCode).toBe(0);
  expect(await refOf(broker, run.ref)).toBe(first);
  await run.git("commit", "-q", "--amend", "-m", "other words");
  expect((await run.push(`+HEAD:${run.ref}`)).exitCode).toBe(0);
});

test("GB-26 a branch may be set to the base itself with an empty pack", async () => {
  expect((await run.push(`HEAD:${run.ref}`)).exitCode).toBe(0);
  expect(await refOf(broker, run.ref)).toBe(await run.git("rev-parse", "HEAD"));
});

test("GB-26 a history that does not stand on the base is refused", async () => {
  await run.git("checkout", "-q", "--orphan", "elsewhere");
  await run.commit({ "other.txt": "x\n" });
  await expectRefused(`HEAD:${run.ref}`, "this push is refused: commit");
  expect(broker.refusals[0]?.why).toContain("begins a history of its own");
});

test("GB-26 commits of another run are refused, without a pack, below one and merged into one", async () => {
  const other = await quarantine.grant(next());
  const foreign = await other.commit({ "foreign.txt": "x\n" });
  expect((await other.push(`HEAD:${other.ref}`)).exitCode).toBe(0);
  await run.git("fetch", "-q", broker.repository, other.ref);
  const expectForeign = async (tip: string, excluded: string[]) => {
    const reply = await sendPack(tip, [await rawObjects(tip, excluded)]);
    expect(await reply.text()).toContain(
      `commit ${foreign.slice(0, 12)} is neither in it nor in the history`,
    );
    expect(await refOf(broker, run.ref)).toBeUndefined();
  };
  await expectForeign(foreign, [foreign]);
  await run.git("checkout", "-q", foreign);
  await expectForeign(await run.commit({ "mine.txt": "y\n" }), [foreign]);
  await run.git("checkout", "-q", "main");
  await run.commit({ "mine.txt": "z\n" });
  await run.git("merge", "-q", "--no-edit", foreign);
  await expectForeign(await run.git("rev-parse", "HEAD"), [foreign]);
});

test("GB-26 a branch that falls behind the base is refused", async () => {
  const old = await run.git("rev-parse", "HEAD");
  const seed = join(broker.dir, "ahead");
  await mustGit(broker, broker.dir, "clone", "-q", "-b", "main", broker.repository, seed);
  await Bun.write(join(seed, "ahead.txt"), "x\n");
  await mustGit(broker, seed, "add", "-A");
  await mustGit(broker, seed, "commit", "-q", "-m", "ahead");
  await mustGit(broker, seed, "push", "-q", "origin", "HEAD:main");
  run = await quarantine.grant(next());
  await expectRefused(`${old}:${run.ref}`, "this push is refused: it does not stand on");
});

test("GB-29 a push over the limit ends with 413 while it streams and moves no ref", async () => {
  run = await quarantine.grant(next(), { packBytesMax: 2 * 1_048_576 });
  await run.commit({ "big.bin": randomBytes(6 * 1_048_576) });
  const result = await run.push(`HEAD:${run.ref}`);
  expect(result.exitCode).not.toBe(0);
  expect(result.stderr).toContain("413");
  expect(await refOf(broker, run.ref)).toBeUndefined();
  expect(broker.refusals[0]?.why).toContain("larger than 2097152 bytes");
});

test("GB-29 a pack that says it holds too many objects is refused by its first bytes", async () => {
  const reply = await post(
    run,
    "git-receive-pack",
    commandsAnd(Buffer.from("PACK\0\0\0\u0002\x7f\0\0\0", "latin1")),
  );
  expect(reply.status).toBe(413);
  expect(await reply.text()).toContain("more than 500000");
  expect(await refOf(broker, run.ref)).toBeUndefined();
});

test("GB-29 a delta that unpacks to gigabytes is refused", async () => {
  const tip = await run.commit({ "a.txt": "x\n" });
  const result = await sendPack(tip, [await rawObjects(tip), bomb()]);
  expect(await result.text()).toContain("unpacks to more than 268435456 bytes");
  expect(await refOf(broker, run.ref)).toBeUndefined();
});

for (const path of [
  ".github/workflows/ci.yml",
  ".GitHub/Workflows/x.yml",
  ".gitea/workflows/a.yaml",
  ".woodpecker.yml",
  ".woodpecker/a.yml",
  ".gitlab-ci.yml",
  "Jenkinsfile",
  ".circleci/config.yml",
  ".gith\u200cub/workflows/a.yml",
])
  test(`GB-30 a push that adds ${JSON.stringify(path)} is refused with its path`, async () => {
    await run.git("config", "core.protectHFS", "false");
    await run.commit({ [path]: "on: push\n" });
    const result = await run.push(`HEAD:${run.ref}`);
    expect(result.exitCode).not.toBe(0);
    expect(result.stderr).toContain("tells the CI what to run");
    expect(broker.refusals[0]?.why).toContain(path.replace("\u200c", "\ufffd"));
    expect(await refOf(broker, run.ref)).toBeUndefined();
  });

test("GB-30 a CI file is found when a later commit takes it away again, and when it is removed or replaced", async () => {
  await run.commit({ ".github/workflows/a.yml": "x\n" });
  await run.commit({ ".github/workflows/a.yml": null });
  await expectRefused(`HEAD:${run.ref}`, ".github/workflows/a.yml tells the CI what to run");
  forget(broker);
  await run.git("reset", "-q", "--hard", "origin/main");
  await Bun.write(join(run.work, "elsewhere/workflows/a.yml"), "x\n");
  await symlink("elsewhere", join(run.work, ".github"));
  await run.commit({});
  await expectRefused(`HEAD:${run.ref}`, ".github tells the CI what to run");
});

test("GB-30 the policy flag lets a CI file pass and names it", async () => {
  run = await quarantine.grant(next(), { policy: { ci_files: "flag" } });
  const head = await run.commit({
    ".github/workflows/a.yml": "x\n",
    CODEOWNERS: "* @me\n",
    "src/.gitattributes": "* -text\n",
  });
  expect((await run.push(`HEAD:${run.ref}`)).exitCode).toBe(0);
  expect(await refOf(broker, run.ref)).toBe(head);
  expect(broker.findings.map(({ kind, path, what }) => `${kind} ${path} ${what}`).sort()).toEqual([
    "ci_file .github/workflows/a.yml added",
    "protected_file CODEOWNERS added",
    "protected_file src/.gitattributes added",
  ]);
});

test("GB-30 protected paths of the binding, links out of the repository and submodules are found", async () => {
  run = await quarantine.grant(next(), {
    policy: { protected_files: "refuse", protected_paths: ["db/", "**/*.sql", "LICENSE"] },
  });
  await Bun.write(join(run.work, "db/one/two.txt"), "x\n");
  await Bun.write(join(run.work, "a/b.sql"), "x\n");
  await Bun.write(join(run.work, "license"), "x\n");
  await Bun.write(join(run.work, "dbx.txt"), "x\n");
  await symlink("../../etc/passwd", join(run.work, "out"));
  await symlink("a/b.sql", join(run.work, "in"));
  await run.commit({});
  await run.git("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},module`);
  await run.git("commit", "-q", "--amend", "--no-edit");
  await expectRefused(
    `HEAD:${run.ref}`,
    "a/b.sql is protected",
    "db/one/two.txt is protected",
    "license is protected",
    "out is protected, and this agent may not change it (a symbolic link that leads out",
    "module is protected, and this agent may not change it (a submodule)",
  );
  expect(broker.refusals[0]?.why.split("\n")).toHaveLength(5);
});

for (const kind of ["run", "runner", "registration", "person"] as const)
  test(`GB-31 a token of the kind ${kind} is refused with its path, wherever it stands`, async () => {
    run = await quarantine.grant(next(), { policy: { secrets: "flag" } });
    const token = createToken(kind);
    await run.commit({ "notes/log.txt": `the token is ${token}\n` });
    await expectRefused(`HEAD:${run.ref}`, "notes/log.txt holds a token of Windshift");
    const places: [Record<string, string | Uint8Array>, string][] = [
      [{ "wide.txt": Buffer.from(`\ufeff${token}`, "utf16le") }, "a change"],
      [{ "wide.txt": Buffer.from(`\ufeff${token}`, "utf16le").swap16() }, "a change"],
      [{ "big.bin": Buffer.concat([Buffer.alloc(3_000_000), Buffer.from(token)]) }, "a change"],
      [{ [`x${token}.txt`]: "x\n" }, "a change"],
      [{ "a.txt": "x\n" }, `tell ${token}`],
    ];
    for (const [files, message] of places) {
      forget(broker);
      await run.git("reset", "-q", "--hard", "origin/main");
      await run.commit(files, message);
      const result = await run.push(`HEAD:${run.ref}`);
      expect(result.stderr).toContain("holds a token of Windshift");
      expect(JSON.stringify([result, broker.refusals])).not.toContain(token);
      expect(await refOf(broker, run.ref)).toBeUndefined();
    }
  });

test("GB-31 a planted credential is refused with path and line and without its value, or flagged", async () => {
  await run.commit({ "src/config.ts": `// a comment\nexport const key = "${canary()}";\n` });
  await expectRefused(
    `HEAD:${run.ref}`,
    "src/config.ts seems to hold a credential (line 2 looks like a GitHub token)",
  );
  expect(JSON.stringify(broker.refusals)).not.toContain(canary());
  run = await quarantine.grant(next(), { policy: { secrets: "flag" } });
  await run.commit({ "src/config.ts": `/* secretlint-disable */ export const key = "${canary()}";\n` });
  expect((await run.push(`HEAD:${run.ref}`)).exitCode).toBe(0);
  expect(broker.findings).toEqual([expect.objectContaining({ kind: "secret", path: "src/config.ts" })]);
});

test("GB-31 a credential that the base had already is no finding, one beside it is", async () => {
  const flag = await quarantine.grant(next(), { policy: { secrets: "flag" } });
  const one = `a = "${canary()}"\n`;
  await flag.commit({ "old.ts": one });
  await flag.push(`HEAD:${flag.ref}`);
  await mustGit(broker, broker.repository, "update-ref", "refs/heads/main", flag.ref);
  run = await quarantine.grant(next());
  forget(broker);
  await run.commit({ "old.ts": `${one}b = 1\n` });
  expect((await run.push(`HEAD:${run.ref}`)).exitCode).toBe(0);
  await run.commit({ "old.ts": `${one}b = "${canary().replace("A1", "Z9")}"\n` });
  forget(broker);
  await expectRefused(`HEAD:${run.ref}`, "old.ts seems to hold a credential");
});

test("HG-15 a tree with .git in it is refused", async () => {
  const blob = await run.git("hash-object", "-w", "README.md");
  const tree = await treeOf(`100644 blob ${blob}\t.git\n`);
  const commit = await run.git("commit-tree", "-p", "HEAD", "-m", "x", tree);
  await expectRefused(`${commit}:${run.ref}`, "this push is refused: git says:");
});

test("a pack that is whole before the end of the request moves no ref, whatever follows it", async () => {
  const tip = await run.commit({ ".github/workflows/a.yml": "x\n" });
  for (const padding of [1, 5_000, 100_000, 4 * 1_048_576]) {
    const reply = await sendPack(tip, [await rawObjects(tip)], Buffer.alloc(padding));
    expect(await reply.text()).toContain("bytes after its pack");
    expect(await refOf(broker, run.ref)).toBeUndefined();
  }
});

test("a refused push in many chunks never shows the upstream the end of its pack", async () => {
  await run.commit({ "big.bin": randomBytes(5 * 1_048_576), ".github/workflows/a.yml": "x\n" });
  await expectRefused(`HEAD:${run.ref}`, ".github/workflows/a.yml tells the CI what to run");
  const [call] = broker.upstreamCalls.filter(({ service }) => service === "git-receive-pack");
  expect(call?.bytes).toBeGreaterThan(2 * 1_048_576);
  expect(call?.bytes).toBeLessThan(5 * 1_048_576);
  await mustGit(broker, broker.repository, "fsck", "--strict");
});

const ZERO = "0".repeat(40);

function commandsAnd(pack: Uint8Array, tip = "a".repeat(40)): Buffer {
  const caps = "report-status side-band-64k";
  return Buffer.concat([pktLine(`${ZERO} ${tip} ${run.ref}\0${caps}`), Buffer.from("0000"), pack]);
}

async function treeOf(listing: string): Promise<string> {
  const file = join(broker.dir, "listing");
  await Bun.write(file, listing);
  const made = Bun.spawnSync(["git", "mktree"], { cwd: run.work, stdin: Buffer.from(listing) });
  return made.stdout.toString().trim();
}

/** The pack git would send for `tip`, without its header and trailer. */
async function rawObjects(
  tip: string,
  excluded = [`${tip}^`],
): Promise<{ objects: number; bytes: Uint8Array }> {
  const made = Bun.spawnSync(["git", "pack-objects", "--revs", "--stdout", "-q"], {
    cwd: run.work,
    stdin: Buffer.from([tip, ...excluded.map((oid) => `^${oid}`), ""].join("\n")),
  });
  const pack = made.stdout;
  return { objects: pack.readUInt32BE(8), bytes: pack.subarray(12, -20) };
}

/** A blob and a delta on it that asks for 3 GB. */
function bomb(): { objects: number; bytes: Uint8Array } {
  const base = Buffer.alloc(65_536, "a");
  const id = new Bun.CryptoHasher("sha1").update(`blob ${base.length}\0`).update(base).digest();
  const copies = 48_000;
  const delta = Buffer.concat([
    varint(base.length),
    varint(copies * 65_536),
    ...Array<Buffer>(copies).fill(Buffer.from([0x80])),
  ]);
  const entry = (type: number, size: number, rest: Uint8Array[]) =>
    Buffer.concat([entryHead(type, size), ...rest]);
  return {
    objects: 2,
    bytes: Buffer.concat([
      entry(3, base.length, [deflateSync(base)]),
      entry(7, delta.length, [id, deflateSync(delta)]),
    ]),
  };
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) | 0x80);
  }
}

function entryHead(type: number, size: number): Buffer {
  const rest = Math.floor(size / 16);
  const first = (type << 4) | (size % 16);
  return rest === 0 ? Buffer.from([first]) : Buffer.concat([Buffer.from([first | 0x80]), varint(rest)]);
}

function sendPack(
  tip: string,
  parts: { objects: number; bytes: Uint8Array }[],
  padding: Uint8Array = Buffer.alloc(0),
): Promise<Response> {
  const head = Buffer.from("PACK\0\0\0\u0002\0\0\0\0", "latin1");
  head.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.objects, 0),
    8,
  );
  const whole = Buffer.concat([head, ...parts.map((part) => part.bytes)]);
  const trailer = new Bun.CryptoHasher("sha1").update(whole).digest();
  return post(run, "git-receive-pack", commandsAnd(Buffer.concat([whole, trailer, padding]), tip));
}
