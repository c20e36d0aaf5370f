import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { type BrokerFixture, forget, post, refOf, startBroker } from "./broker-fixture.ts";
import { type InspectedRun, type QuarantineFixture, startQuarantine } from "./quarantine-fixture.ts";
import { bomb, commandsAnd, rawObjects, sendPack } from "./raw-pack-fixture.ts";

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
