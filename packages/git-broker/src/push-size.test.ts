import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { eventually } from "@windshift/testing/eventually.ts";
import { post, refOf } from "./broker-fixture.ts";
import { PUSH_DELTA_DEPTH_MAX } from "./delta-depth.ts";
import { usePushScene } from "./push-scene-fixture.ts";
import { bomb, commandsAnd, deepChain, doublingChain, rawObjects, sendPack } from "./raw-pack-fixture.ts";

const scene = usePushScene();

test("GB-29 a push over the limit ends with 413 while it streams and moves no ref", async () => {
  scene.run = await scene.grant({ packBytesMax: 2 * 1_048_576 });
  await scene.run.commit({ "big.bin": randomBytes(6 * 1_048_576) });
  const result = await scene.run.push(`HEAD:${scene.run.ref}`);
  expect(result.exitCode).not.toBe(0);
  expect(result.stderr).toContain("413");
  expect(await refOf(scene.broker, scene.run.ref)).toBeUndefined();
  expect(scene.broker.refusals[0]?.why).toContain("larger than 2097152 bytes");
  // The upstream is let go in the middle, and its git takes away what it had.
  const [call] = scene.broker.upstreamCalls.filter(({ service }) => service === "git-receive-pack");
  expect(call?.bytes).toBeLessThan(2 * 1_048_576);
  const halves = new Bun.Glob("objects/{tmp_objdir*,pack/tmp_*}");
  await eventually("the upstream has nothing of it", async () => {
    const left = await Array.fromAsync(halves.scan({ cwd: scene.broker.repository, onlyFiles: false }));
    return left.length === 0;
  });
});

test("GB-29 a pack that says it holds too many objects is refused by its first bytes", async () => {
  const reply = await post(
    scene.run,
    "git-receive-pack",
    commandsAnd(scene.run, Buffer.from("PACK\0\0\0\u0002\x7f\0\0\0", "latin1")),
  );
  expect(reply.status).toBe(413);
  expect(await reply.text()).toContain("more than 500000");
  expect(await refOf(scene.broker, scene.run.ref)).toBeUndefined();
});

test("GB-29 a delta that unpacks to gigabytes is refused", async () => {
  const tip = await scene.run.commit({ "a.txt": "x\n" });
  const result = await sendPack(scene.run, tip, [await rawObjects(scene.run, tip), bomb()]);
  expect(await result.text()).toContain("unpacks to more than 268435456 bytes");
  expect(await refOf(scene.broker, scene.run.ref)).toBeUndefined();
});

test("GB-29 deltas that double again and again are refused, though each asks for little", async () => {
  const tip = await scene.run.commit({ "a.txt": "x\n" });
  const result = await sendPack(scene.run, tip, [await rawObjects(scene.run, tip), doublingChain(16)]);
  expect(await result.text()).toContain("unpacks to more than 268435456 bytes");
  expect(await refOf(scene.broker, scene.run.ref)).toBeUndefined();
});

for (const [depth, words] of [
  [PUSH_DELTA_DEPTH_MAX, "ok refs/heads/"],
  [PUSH_DELTA_DEPTH_MAX + 1, `its deltas build on one another more than ${PUSH_DELTA_DEPTH_MAX} deep`],
] as const)
  test(`GB-29 of a chain of ${depth} deltas it is said: ${words}`, async () => {
    const tip = await scene.run.commit({ "a.txt": "x\n" });
    const result = await sendPack(scene.run, tip, [await rawObjects(scene.run, tip), deepChain(depth)]);
    expect(await result.text()).toContain(words);
    expect(await refOf(scene.broker, scene.run.ref)).toBe(words.startsWith("ok") ? tip : undefined);
  }, 60_000);
