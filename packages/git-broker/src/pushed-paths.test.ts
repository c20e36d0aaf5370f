import { expect, test } from "bun:test";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { forget, refOf } from "./broker-fixture.ts";
import { usePushScene } from "./push-scene-fixture.ts";
import { expectRefused } from "./refused-push-fixture.ts";

const scene = usePushScene();

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
    await scene.run.git("config", "core.protectHFS", "false");
    await scene.run.commit({ [path]: "on: push\n" });
    const result = await scene.run.push(`HEAD:${scene.run.ref}`);
    expect(result.exitCode).not.toBe(0);
    expect(result.stderr).toContain("tells the CI what to run");
    expect(scene.broker.refusals[0]?.why).toContain(path.replace("\u200c", "\ufffd"));
    expect(await refOf(scene.broker, scene.run.ref)).toBeUndefined();
  });

test("GB-30 a CI file is found when a later commit takes it away again, and when it is removed or replaced", async () => {
  await scene.run.commit({ ".github/workflows/a.yml": "x\n" });
  await scene.run.commit({ ".github/workflows/a.yml": null });
  await expectRefused(
    scene.broker,
    scene.run,
    `HEAD:${scene.run.ref}`,
    ".github/workflows/a.yml tells the CI what to run",
  );
  forget(scene.broker);
  await scene.run.git("reset", "-q", "--hard", "origin/main");
  await Bun.write(join(scene.run.work, "elsewhere/workflows/a.yml"), "x\n");
  await symlink("elsewhere", join(scene.run.work, ".github"));
  await scene.run.commit({});
  await expectRefused(scene.broker, scene.run, `HEAD:${scene.run.ref}`, ".github tells the CI what to run");
});

test("GB-30 the policy flag lets a CI file pass and names it", async () => {
  scene.run = await scene.grant({ policy: { ci_files: "flag" } });
  const head = await scene.run.commit({
    ".github/workflows/a.yml": "x\n",
    CODEOWNERS: "* @me\n",
    "src/.gitattributes": "* -text\n",
  });
  expect((await scene.run.push(`HEAD:${scene.run.ref}`)).exitCode).toBe(0);
  expect(await refOf(scene.broker, scene.run.ref)).toBe(head);
  expect(scene.broker.findings.map(({ kind, path, what }) => `${kind} ${path} ${what}`).sort()).toEqual([
    "ci_file .github/workflows/a.yml added",
    "protected_file CODEOWNERS added",
    "protected_file src/.gitattributes added",
  ]);
});

test("GB-30 protected paths of the binding, links out of the repository and submodules are found", async () => {
  scene.run = await scene.grant({
    policy: { protected_files: "refuse", protected_paths: ["db/", "**/*.sql", "LICENSE"] },
  });
  await Bun.write(join(scene.run.work, "db/one/two.txt"), "x\n");
  await Bun.write(join(scene.run.work, "a/b.sql"), "x\n");
  await Bun.write(join(scene.run.work, "license"), "x\n");
  await Bun.write(join(scene.run.work, "dbx.txt"), "x\n");
  await symlink("../../etc/passwd", join(scene.run.work, "out"));
  await symlink("a/b.sql", join(scene.run.work, "in"));
  await scene.run.commit({});
  await scene.run.git("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},module`);
  await scene.run.git("commit", "-q", "--amend", "--no-edit");
  await expectRefused(
    scene.broker,
    scene.run,
    `HEAD:${scene.run.ref}`,
    "a/b.sql is protected",
    "db/one/two.txt is protected",
    "license is protected",
    "out is protected, and this agent may not change it (a symbolic link that leads out",
    "module is protected, and this agent may not change it (a submodule)",
  );
  expect(scene.broker.refusals[0]?.why.split("\n")).toHaveLength(5);
});
