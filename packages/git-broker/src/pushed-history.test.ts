import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type BrokerFixture, forget, mustGit, refOf, startBroker } from "./broker-fixture.ts";
import { type InspectedRun, type QuarantineFixture, startQuarantine } from "./quarantine-fixture.ts";
import { rawObjects, sendPack } from "./raw-pack-fixture.ts";
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

test("GB-26 a branch may be set to the base itself with an empty pack", async () => {
  expect((await run.push(`HEAD:${run.ref}`)).exitCode).toBe(0);
  expect(await refOf(broker, run.ref)).toBe(await run.git("rev-parse", "HEAD"));
});

test("GB-26 a history that does not stand on the base is refused", async () => {
  await run.git("checkout", "-q", "--orphan", "elsewhere");
  await run.commit({ "other.txt": "x\n" });
  await expectRefused(broker, run, `HEAD:${run.ref}`, "this push is refused: commit");
  expect(broker.refusals[0]?.why).toContain("begins a history of its own");
});

test("GB-26 commits of another run are refused, without a pack, below one and merged into one", async () => {
  const other = await quarantine.grant(next());
  const foreign = await other.commit({ "foreign.txt": "x\n" });
  expect((await other.push(`HEAD:${other.ref}`)).exitCode).toBe(0);
  await run.git("fetch", "-q", broker.repository, other.ref);
  const expectForeign = async (tip: string, excluded: string[]) => {
    const reply = await sendPack(run, tip, [await rawObjects(run, tip, excluded)]);
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
  await expectRefused(broker, run, `${old}:${run.ref}`, "this push is refused: it does not stand on");
});
