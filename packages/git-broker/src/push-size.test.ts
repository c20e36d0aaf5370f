import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { eventually } from "@windshift/testing/eventually.ts";
import { type BrokerFixture, forget, post, refOf, startBroker } from "./broker-fixture.ts";
import { PUSH_DELTA_DEPTH_MAX } from "./delta-depth.ts";
import { type InspectedRun, type QuarantineFixture, startQuarantine } from "./quarantine-fixture.ts";
import { bomb, commandsAnd, deepChain, doublingChain, rawObjects, sendPack } from "./raw-pack-fixture.ts";

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

test("GB-29 a push over the limit ends with 413 while it streams and moves no ref", async () => {
  run = await quarantine.grant(next(), { packBytesMax: 2 * 1_048_576 });
  await run.commit({ "big.bin": randomBytes(6 * 1_048_576) });
  const result = await run.push(`HEAD:${run.ref}`);
  expect(result.exitCode).not.toBe(0);
  expect(result.stderr).toContain("413");
  expect(await refOf(broker, run.ref)).toBeUndefined();
  expect(broker.refusals[0]?.why).toContain("larger than 2097152 bytes");
  // The upstream is let go in the middle, and its git takes away what it had.
  const [call] = broker.upstreamCalls.filter(({ service }) => service === "git-receive-pack");
  expect(call?.bytes).toBeLessThan(2 * 1_048_576);
  const halves = new Bun.Glob("objects/{tmp_objdir*,pack/tmp_*}");
  await eventually("the upstream has nothing of it", async () => {
    const left = await Array.fromAsync(halves.scan({ cwd: broker.repository, onlyFiles: false }));
    return left.length === 0;
  });
});

test("GB-29 a pack that says it holds too many objects is refused by its first bytes", async () => {
  const reply = await post(
    run,
    "git-receive-pack",
    commandsAnd(run, Buffer.from("PACK\0\0\0\u0002\x7f\0\0\0", "latin1")),
  );
  expect(reply.status).toBe(413);
  expect(await reply.text()).toContain("more than 500000");
  expect(await refOf(broker, run.ref)).toBeUndefined();
});

test("GB-29 a delta that unpacks to gigabytes is refused", async () => {
  const tip = await run.commit({ "a.txt": "x\n" });
  const result = await sendPack(run, tip, [await rawObjects(run, tip), bomb()]);
  expect(await result.text()).toContain("unpacks to more than 268435456 bytes");
  expect(await refOf(broker, run.ref)).toBeUndefined();
});

test("GB-29 deltas that double again and again are refused, though each asks for little", async () => {
  const tip = await run.commit({ "a.txt": "x\n" });
  const result = await sendPack(run, tip, [await rawObjects(run, tip), doublingChain(16)]);
  expect(await result.text()).toContain("unpacks to more than 268435456 bytes");
  expect(await refOf(broker, run.ref)).toBeUndefined();
});

for (const [depth, words] of [
  [PUSH_DELTA_DEPTH_MAX, "ok refs/heads/"],
  [PUSH_DELTA_DEPTH_MAX + 1, `its deltas build on one another more than ${PUSH_DELTA_DEPTH_MAX} deep`],
] as const)
  test(`GB-29 of a chain of ${depth} deltas it is said: ${words}`, async () => {
    const tip = await run.commit({ "a.txt": "x\n" });
    const result = await sendPack(run, tip, [await rawObjects(run, tip), deepChain(depth)]);
    expect(await result.text()).toContain(words);
    expect(await refOf(broker, run.ref)).toBe(words.startsWith("ok") ? tip : undefined);
  }, 60_000);
