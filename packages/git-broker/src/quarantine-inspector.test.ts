import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mustGit, refOf } from "./broker-fixture.ts";
import { usePushScene } from "./push-scene-fixture.ts";
import { rawObjects, sendPack } from "./raw-pack-fixture.ts";
import { expectRefused } from "./refused-push-fixture.ts";

const scene = usePushScene();

test("an honest push arrives, and a second one on top of it", async () => {
  const first = await scene.run.commit({ "src/a.ts": "export const a = 1;\n" });
  expect((await scene.run.push(`HEAD:${scene.run.ref}`)).stderr).not.toContain("remote:");
  expect(await refOf(scene.broker, scene.run.ref)).toBe(first);
  const second = await scene.run.commit({ "src/b.ts": "export const b = 2;\n", "README.md": null });
  expect((await scene.run.push(`HEAD:${scene.run.ref}`)).exitCode).toBe(0);
  expect(await refOf(scene.broker, scene.run.ref)).toBe(second);
  expect(scene.broker.pushed.map(({ oid }) => String(oid))).toEqual([first, second]);
});

test("a rewritten branch arrives, and an earlier commit of it", async () => {
  const first = await scene.run.commit({ "a.txt": "1\n" });
  await scene.run.commit({ "b.txt": "2\n" });
  await scene.run.push(`HEAD:${scene.run.ref}`);
  await scene.run.git("reset", "-q", "--hard", "HEAD^");
  expect((await scene.run.push(`+HEAD:${scene.run.ref}`)).exitCode).toBe(0);
  expect(await refOf(scene.broker, scene.run.ref)).toBe(first);
  await scene.run.git("commit", "-q", "--amend", "-m", "other words");
  expect((await scene.run.push(`+HEAD:${scene.run.ref}`)).exitCode).toBe(0);
});

test("HG-15 a tree with .git in it is refused", async () => {
  const blob = await scene.run.git("hash-object", "-w", "README.md");
  const tree = await treeOf(`100644 blob ${blob}\t.git\n`);
  const commit = await scene.run.git("commit-tree", "-p", "HEAD", "-m", "x", tree);
  await expectRefused(
    scene.broker,
    scene.run,
    `${commit}:${scene.run.ref}`,
    "this push is refused: git says:",
  );
});

test("a pack that is whole before the end of the request moves no ref, whatever follows it", async () => {
  const tip = await scene.run.commit({ ".github/workflows/a.yml": "x\n" });
  for (const padding of [1, 5_000, 100_000, 4 * 1_048_576]) {
    const reply = await sendPack(scene.run, tip, [await rawObjects(scene.run, tip)], Buffer.alloc(padding));
    expect(await reply.text()).toContain("bytes after its pack");
    expect(await refOf(scene.broker, scene.run.ref)).toBeUndefined();
  }
});

test("a refused push in many chunks never shows the upstream the end of its pack", async () => {
  await scene.run.commit({ "big.bin": randomBytes(5 * 1_048_576), ".github/workflows/a.yml": "x\n" });
  await expectRefused(
    scene.broker,
    scene.run,
    `HEAD:${scene.run.ref}`,
    ".github/workflows/a.yml tells the CI what to run",
  );
  const [call] = scene.broker.upstreamCalls.filter(({ service }) => service === "git-receive-pack");
  expect(call?.bytes).toBeGreaterThan(2 * 1_048_576);
  expect(call?.bytes).toBeLessThan(5 * 1_048_576);
  await mustGit(scene.broker, scene.broker.repository, "fsck", "--strict");
});

async function treeOf(listing: string): Promise<string> {
  const made = Bun.spawnSync(["git", "mktree"], { cwd: scene.run.work, stdin: Buffer.from(listing) });
  return made.stdout.toString().trim();
}
