import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Oid } from "@windshift/contract/ids.ts";
import { DIFF_BYTES_MAX } from "@windshift/contract/limits.ts";
import { commitTree, createRepository, gitOut } from "@windshift/testing/git-repository.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { readDiff } from "./local-diff.ts";
import {
  countCommits,
  findMergeBase,
  hasCommit,
  isAncestor,
  listCommits,
  readBranch,
} from "./local-history.ts";
import { mergeInto, readMergeability } from "./local-merge.ts";
import { prepareRepository, repositoryDir } from "./local-repository.ts";

const NOBODY = Oid.parse("0123456789012345678901234567890123456789");
const PERSON = { name: "Ada <x>\n", email: "ada@example.test" };
let root: TempDir;
let dir: string;
let work: string;
let base: Oid;

beforeAll(async () => {
  root = tempDir();
  dir = repositoryDir(join(root.path, "repositories"), { workspaceId: 1, owner: "acme", name: "project" });
  await (await prepareRepository(join(root.path, "repositories"), "main")).moveTo(dir);
  work = join(root.path, "work");
  mkdirSync(work);
  base = await createRepository(work, { files: { "a.txt": "one\ntwo\nthree\n", "b.txt": "b\n" } });
  await push("HEAD:refs/heads/main");
});
afterAll(() => root.remove());

async function push(refspec: string): Promise<void> {
  await gitOut(["push", "--quiet", "--force", dir, refspec], work);
}

/** A commit on top of `from`, pushed to a branch of its own. */
async function branch(
  name: string,
  from: Oid,
  files: Record<string, string>,
  message = `Change ${name}`,
): Promise<Oid> {
  await gitOut(["checkout", "--quiet", "--detach", from], work);
  const oid = await commitTree(work, { files }, message);
  await push(`${oid}:refs/heads/${name}`);
  return oid;
}

describe("a new repository", () => {
  test("is bare, has no hooks, checks what is pushed and starts on its default branch", async () => {
    const config = await gitOut(["config", "--file", join(dir, "config"), "--list"], root.path);
    for (const line of [
      "core.bare=true",
      "receive.fsckobjects=true",
      "receive.denydeletes=true",
      "core.hookspath=/dev/null",
    ])
      expect(config.split("\n")).toContain(line);
    expect(existsSync(join(dir, "hooks"))).toBe(false);
    expect(await gitOut(["symbolic-ref", "HEAD"], dir)).toBe("refs/heads/main");
  });

  test("begins with a README on its default branch when that is asked for", async () => {
    const prepared = await prepareRepository(join(root.path, "begun"), "trunk", "# Shop\n");
    const made = join(root.path, "begun", "shop.git");
    await prepared.moveTo(made);
    const tip = await readBranch(made, "trunk");
    expect(await gitOut(["show", `${tip}:README.md`], made)).toBe("# Shop");
    expect(await gitOut(["log", "--format=%an|%s", "trunk"], made)).toBe("Windshift|Begin with a README");
    expect(await gitOut(["fsck", "--strict"], made)).toBe("");
  });

  test("does not take the place of a folder that is there", async () => {
    const repositories = join(root.path, "repositories");
    const prepared = await prepareRepository(repositories, "main");
    await expect(prepared.moveTo(dir)).rejects.toThrow("move it away first");
    await prepared.discard();
    expect(readdirSync(repositories)).toEqual(["1"]);
    expect(await readBranch(dir, "main")).toBe(base);
  });

  test("refuses a push that is not well formed or deletes a branch", async () => {
    await branch("to-stay", base, { "s.txt": "s\n" });
    await expect(push(":refs/heads/to-stay")).rejects.toThrow("deletion prohibited");
    const bad = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor x <x> 0 +0000\ncommitter\n\nbad\n";
    writeFileSync(join(root.path, "bad"), bad);
    const oid = await gitOut(
      ["hash-object", "-t", "commit", "-w", "--literally", join(root.path, "bad")],
      work,
    );
    await expect(push(`${oid}:refs/heads/bad`)).rejects.toThrow();
    expect(await readBranch(dir, "bad")).toBeUndefined();
  });
});

describe("history", () => {
  test("knows branches and commits, and what is not one", async () => {
    expect(await readBranch(dir, "main")).toBe(base);
    for (const name of ["none", "main^", "main~1", "-h", "../main", "main..main", base])
      expect(await readBranch(dir, name)).toBeUndefined();
    expect([await hasCommit(dir, base), await hasCommit(dir, NOBODY)]).toEqual([true, false]);
  });

  test("tells ancestors, where histories part and how far they are", async () => {
    const one = await branch("one", base, { "one.txt": "1\n" });
    const two = await branch("two", one, { "two.txt": "2\n" });
    const side = await branch("side", base, { "side.txt": "s\n" });
    expect([
      await isAncestor(dir, base, two),
      await isAncestor(dir, two, base),
      await isAncestor(dir, two, two),
    ]).toEqual([true, false, true]);
    expect([await findMergeBase(dir, two, side), await countCommits(dir, base, two)]).toEqual([base, 2]);
    const lonely = await gitOut(
      ["commit-tree", "-m", "lonely", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"],
      work,
    );
    await push(`${lonely}:refs/heads/lonely`);
    expect(await findMergeBase(dir, Oid.parse(lonely), base)).toBeUndefined();
  });

  test("lists commits oldest first with their text and trailers, whatever they hold", async () => {
    const first = await branch(
      "text",
      base,
      { "t.txt": "1\n" },
      "Subject one\n\nBody with\n\ttabs and \x1b[31mcolor\n\nRun: 7\nWork-Item: DEMO-1",
    );
    const second = await branch("text", first, { "t.txt": "2\n" }, "--format=%H");
    const commits = await listCommits(dir, base, second);
    expect(commits.map((c) => [c.oid, c.subject])).toEqual([
      [first, "Subject one"],
      [second, "--format=%H"],
    ]);
    expect(commits[0]).toMatchObject({
      author: { name: "Test Author", email: "author@example.com" },
      trailers: [
        { key: "Run", value: "7" },
        { key: "Work-Item", value: "DEMO-1" },
      ],
    });
    expect(commits[0]?.body).toContain("tabs and \x1b[31mcolor");
    expect(await listCommits(dir, second, base)).toEqual([]);
  });
});

describe("a diff", () => {
  test("shows what the branch changed since it parted, not what happened to the other side", async () => {
    const head = await branch("diffed", base, { "a.txt": "one\n2\nthree\n", "new file\n.txt": "x\n" });
    const target = await branch("target", base, { "b.txt": "changed\n" });
    const diff = await readDiff(dir, target, head);
    expect(diff.files).toEqual([
      { path: "a.txt", added: 1, removed: 1 },
      { path: "new file\n.txt", added: 1, removed: 0 },
    ]);
    expect(diff.patch).toContain("-two\n+2\n");
    expect([diff.truncated, diff.patch.includes("b.txt")]).toEqual([false, false]);
  });

  test("runs no program the repository names", async () => {
    const head = await branch("attributes", base, {
      ".gitattributes": "* diff=evil\n*.txt filter=evil merge=evil\n",
      "a.txt": "x\n",
    });
    const ran = join(root.path, "it-ran");
    for (const name of ["diff.evil.textconv", "diff.evil.command", "merge.evil.driver"])
      await gitOut(["config", "--file", join(dir, "config"), name, `touch ${ran}`], root.path);
    mkdirSync(join(dir, "info"), { recursive: true });
    writeFileSync(join(dir, "info", "attributes"), "* diff=evil\n");
    expect((await readDiff(dir, base, head)).patch).toContain("+x\n");
    expect(existsSync(ran)).toBe(false);
    rmSync(join(dir, "info", "attributes"));
  });

  test("is cut at its limit on a whole line and says so; files that are not text have no counts", async () => {
    const head = await branch("large", base, {
      "large.txt": "a line of text\n".repeat(100_000),
      bin: "\0\x01\0",
    });
    const diff = await readDiff(dir, base, head);
    expect(diff.truncated).toBe(true);
    expect(Buffer.byteLength(diff.patch)).toBeLessThanOrEqual(DIFF_BYTES_MAX);
    expect(diff.patch).toEndWith("\n");
    expect(diff.files).toContainEqual({ path: "bin", added: null, removed: null });
    expect(diff.files).toContainEqual({ path: "large.txt", added: 100_000, removed: 0 });
  });
});

describe("a merge", () => {
  test("moves the branch to a commit of both sides, in the name of the person", async () => {
    const target = await branch("merge-1", base, { "b.txt": "other\n" });
    const head = await branch("work-1", base, { "a.txt": "one\n2\nthree\n" });
    const request = { targetBranch: "merge-1", headOid: head };
    expect(await readMergeability(dir, request)).toEqual({ kind: "clean" });
    expect(await readBranch(dir, "merge-1")).toBe(target);
    const merged = await mergeInto(dir, { ...request, message: "Merge it\n", person: PERSON });
    if (merged.kind !== "merged") throw new Error(merged.kind);
    expect(await readBranch(dir, "merge-1")).toBe(merged.oid);
    expect(await gitOut(["log", "-1", "--format=%P|%an|%ae|%s", merged.oid], dir)).toBe(
      `${target} ${head}|Ada x|ada@example.test|Merge it`,
    );
    expect(await gitOut(["show", `${merged.oid}:a.txt`], dir)).toBe("one\n2\nthree");
    expect(await gitOut(["show", `${merged.oid}:b.txt`], dir)).toBe("other");
  });

  test("done twice is one merge", async () => {
    await branch("merge-2", base, { "b.txt": "2\n" });
    const head = await branch("work-2", base, { "c.txt": "c\n" });
    const request = { targetBranch: "merge-2", headOid: head, message: "m", person: PERSON };
    const first = await mergeInto(dir, request);
    const second = await mergeInto(dir, request);
    expect([first.kind, second.kind]).toEqual(["merged", "contained"]);
    expect("oid" in first && "oid" in second && first.oid === second.oid).toBe(true);
  });

  test("of many at once leaves every change on the branch", async () => {
    await branch("merge-3", base, { "b.txt": "3\n" });
    const heads = [];
    for (let n = 0; n < 4; n++) heads.push(await branch(`work-3-${n}`, base, { [`f${n}.txt`]: `${n}\n` }));
    const attempt = (headOid: Oid) =>
      mergeInto(dir, { targetBranch: "merge-3", headOid, message: "m", person: PERSON });
    const results = await Promise.all(heads.map(attempt));
    const target = await readBranch(dir, "merge-3");
    if (target === undefined) throw new Error("the branch is there");
    for (const [n, result] of results.entries()) {
      const head = heads[n] ?? NOBODY;
      expect(["merged", "moved"]).toContain(result.kind);
      expect(await isAncestor(dir, head, target)).toBe(result.kind === "merged");
    }
    expect(results.some((r) => r.kind === "merged")).toBe(true);
  });

  test("in conflict changes nothing and names the files", async () => {
    const target = await branch("merge-4", base, { "a.txt": "one\nTWO\nthree\n" });
    const head = await branch("work-4", base, { "a.txt": "one\n2\nthree\n" });
    const request = { targetBranch: "merge-4", headOid: head };
    expect(await readMergeability(dir, request)).toEqual({ kind: "conflict", paths: ["a.txt"] });
    expect(await mergeInto(dir, { ...request, message: "m", person: PERSON })).toMatchObject({
      kind: "conflict",
    });
    expect(await readBranch(dir, "merge-4")).toBe(target);
  });

  test("with what is gone says what is missing", async () => {
    expect(await readMergeability(dir, { targetBranch: "gone", headOid: base })).toMatchObject({
      kind: "missing",
    });
    expect(await readMergeability(dir, { targetBranch: "main", headOid: NOBODY })).toMatchObject({
      kind: "missing",
    });
  });
});
