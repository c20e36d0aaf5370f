import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { type BrokerFixture, forget, refOf, startBroker } from "./broker-fixture.ts";
import { type InspectedRun, type QuarantineFixture, startQuarantine } from "./quarantine-fixture.ts";
import { expectRefused } from "./refused-push-fixture.ts";

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
  await expectRefused(broker, run, `HEAD:${run.ref}`, ".github/workflows/a.yml tells the CI what to run");
  forget(broker);
  await run.git("reset", "-q", "--hard", "origin/main");
  await Bun.write(join(run.work, "elsewhere/workflows/a.yml"), "x\n");
  await symlink("elsewhere", join(run.work, ".github"));
  await run.commit({});
  await expectRefused(broker, run, `HEAD:${run.ref}`, ".github tells the CI what to run");
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
    broker,
    run,
    `HEAD:${run.ref}`,
    "a/b.sql is protected",
    "db/one/two.txt is protected",
    "license is protected",
    "out is protected, and this agent may not change it (a symbolic link that leads out",
    "module is protected, and this agent may not change it (a submodule)",
  );
  expect(broker.refusals[0]?.why.split("\n")).toHaveLength(5);
});
