import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { commitTree, createBareRepository, gitOut } from "./git-repository.ts";
import { tempDir } from "./temp-dir.ts";

describe("building repositories", () => {
  test("makes a bare repository whose main is the commit it names, with executable scripts", async () => {
    using dir = tempDir();
    const bare = join(dir.path, "project.git");
    const tree = { files: { "run.sh": "#!/bin/sh\necho hi\n", "docs/a.md": "a\n" } };
    const oid = await createBareRepository(bare, join(dir.path, "work"), tree);
    expect(await gitOut(["rev-parse", "refs/heads/main"], bare)).toBe(oid);
    expect(await gitOut(["ls-tree", "-r", "--format=%(objectmode) %(path)", "main"], bare)).toBe(
      "100644 docs/a.md\n100755 run.sh",
    );
  });

  test("gives the same commit id for the same tree", async () => {
    using dir = tempDir();
    const tree = { files: { "a.txt": "a\n" } };
    const oids = ["one", "two"].map((name) =>
      createBareRepository(join(dir.path, `${name}.git`), join(dir.path, name), tree),
    );
    const [one, two] = await Promise.all(oids);
    expect(one).toBe(two);
  });

  test("takes further commits that can be pushed to the bare repository", async () => {
    using dir = tempDir();
    const [bare, work] = [join(dir.path, "project.git"), join(dir.path, "work")];
    await createBareRepository(bare, work, { files: { "a.txt": "a\n" } });
    const next = await commitTree(work, { files: { "b.txt": "b\n" } }, "Add b");
    await gitOut(["push", "--quiet", "origin", "HEAD:refs/heads/topic"], work);
    expect(await gitOut(["rev-parse", "refs/heads/topic"], bare)).toBe(next);
  });

  test("fails with git's own words", async () => {
    using dir = tempDir();
    await expect(gitOut(["rev-parse", "HEAD"], dir.path)).rejects.toThrow(/not a git repository/);
  });
});
