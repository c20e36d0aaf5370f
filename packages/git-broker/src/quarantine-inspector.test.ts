import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
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

test("an honest push arrives, and a second one on top of it", async () => {
  const first = await run.commit({ "src/a.ts": "export const a = 1;\n" });
  expect((await run.push(`HEAD:${run.ref}`)).stderr).not.toContain("remote:");
  expect(await refOf(broker, run.ref)).toBe(first);
  const second = await run.commit({ "src/b.ts": "export const b = 2;\n", "README.md": null });
  expect((await run.push(`HEAD:${run.ref}`)).exitCode).toBe(0);
  expect(await refOf(broker, run.ref)).toBe(second);
  expect(broker.pushed.map(({ oid }) => String(oid))).toEqual([first, second]);
});

test("a rewritten branch arrives, and an earlier commit of it", async () => {
  const first = await run.commit({ "a.txt": "1\n" });
  await run.commit({ "b.txt": "2\n" });
  await run.push(`HEAD:${run.ref}`);
  await run.git("reset", "-q", "--hard", "HEAD^");
  expect((await run.push(`+HEAD:${run.ref}`)).exitCode).toBe(0);
  expect(await refOf(broker, run.ref)).toBe(first);
  await run.git("commit", "-q", "--amend", "-m", "other words");
  expect((await run.push(`+HEAD:${run.ref}`)).exitCode).toBe(0);
});

test("HG-15 a tree with .git in it is refused", async () => {
  const blob = await run.git("hash-object", "-w", "README.md");
  const tree = await treeOf(`100644 blob ${blob}\t.git\n`);
  const commit = await run.git("commit-tree", "-p", "HEAD", "-m", "x", tree);
  await expectRefused(broker, run, `${commit}:${run.ref}`, "this push is refused: git says:");
});

test("a pack that is whole before the end of the request moves no ref, whatever follows it", async () => {
  const tip = await run.commit({ ".github/workflows/a.yml": "x\n" });
  for (const padding of [1, 5_000, 100_000, 4 * 1_048_576]) {
    const reply = await sendPack(run, tip, [await rawObjects(run, tip)], Buffer.alloc(padding));
    expect(await reply.text()).toContain("bytes after its pack");
    expect(await refOf(broker, run.ref)).toBeUndefined();
  }
});

test("a refused push in many chunks never shows the upstream the end of its pack", async () => {
  await run.commit({ "big.bin": randomBytes(5 * 1_048_576), ".github/workflows/a.yml": "x\n" });
  await expectRefused(broker, run, `HEAD:${run.ref}`, ".github/workflows/a.yml tells the CI what to run");
  const [call] = broker.upstreamCalls.filter(({ service }) => service === "git-receive-pack");
  expect(call?.bytes).toBeGreaterThan(2 * 1_048_576);
  expect(call?.bytes).toBeLessThan(5 * 1_048_576);
  await mustGit(broker, broker.repository, "fsck", "--strict");
});

async function treeOf(listing: string): Promise<string> {
  const made = Bun.spawnSync(["git", "mktree"], { cwd: run.work, stdin: Buffer.from(listing) });
  return made.stdout.toString().trim();
}
