import { expect, test } from "bun:test";
import { join } from "node:path";
import { mustGit, refOf } from "./broker-fixture.ts";
import { usePushScene } from "./push-scene-fixture.ts";
import { rawObjects, sendPack } from "./raw-pack-fixture.ts";
import { expectRefused } from "./refused-push-fixture.ts";

const scene = usePushScene();

test("GB-26 a branch may be set to the base itself with an empty pack", async () => {
  expect((await scene.run.push(`HEAD:${scene.run.ref}`)).exitCode).toBe(0);
  expect(await refOf(scene.broker, scene.run.ref)).toBe(await scene.run.git("rev-parse", "HEAD"));
});

test("GB-26 a history that does not stand on the base is refused", async () => {
  await scene.run.git("checkout", "-q", "--orphan", "elsewhere");
  await scene.run.commit({ "other.txt": "x\n" });
  await expectRefused(scene.broker, scene.run, `HEAD:${scene.run.ref}`, "this push is refused: commit");
  expect(scene.broker.refusals[0]?.why).toContain("begins a history of its own");
});

test("GB-26 commits of another run are refused, without a pack, below one and merged into one", async () => {
  const other = await scene.grant();
  const foreign = await other.commit({ "foreign.txt": "x\n" });
  expect((await other.push(`HEAD:${other.ref}`)).exitCode).toBe(0);
  await scene.run.git("fetch", "-q", scene.broker.repository, other.ref);
  const expectForeign = async (tip: string, excluded: string[]) => {
    const reply = await sendPack(scene.run, tip, [await rawObjects(scene.run, tip, excluded)]);
    expect(await reply.text()).toContain(
      `commit ${foreign.slice(0, 12)} is neither in it nor in the history`,
    );
    expect(await refOf(scene.broker, scene.run.ref)).toBeUndefined();
  };
  await expectForeign(foreign, [foreign]);
  await scene.run.git("checkout", "-q", foreign);
  await expectForeign(await scene.run.commit({ "mine.txt": "y\n" }), [foreign]);
  await scene.run.git("checkout", "-q", "main");
  await scene.run.commit({ "mine.txt": "z\n" });
  await scene.run.git("merge", "-q", "--no-edit", foreign);
  await expectForeign(await scene.run.git("rev-parse", "HEAD"), [foreign]);
});

test("GB-26 a branch that falls behind the base is refused", async () => {
  const old = await scene.run.git("rev-parse", "HEAD");
  const seed = join(scene.broker.dir, "ahead");
  await mustGit(scene.broker, scene.broker.dir, "clone", "-q", "-b", "main", scene.broker.repository, seed);
  await Bun.write(join(seed, "ahead.txt"), "x\n");
  await mustGit(scene.broker, seed, "add", "-A");
  await mustGit(scene.broker, seed, "commit", "-q", "-m", "ahead");
  await mustGit(scene.broker, seed, "push", "-q", "origin", "HEAD:main");
  scene.run = await scene.grant();
  await expectRefused(
    scene.broker,
    scene.run,
    `${old}:${scene.run.ref}`,
    "this push is refused: it does not stand on",
  );
});
