import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { forget, mustGit } from "@windshift/git-broker/broker-fixture.ts";
import { agentGit, preparedBase, startTriage, type TriageFixture } from "./triage-fixture.ts";

let host: TriageFixture;
let head: string;
let runs = 0;
beforeAll(async () => {
  host = await startTriage();
  const seed = join(host.broker.dir, "seed");
  await Bun.write(join(seed, "a.txt"), "a\n");
  await mustGit(host.broker, seed, "add", "-A");
  await mustGit(host.broker, seed, "commit", "-q", "-m", "first");
  await mustGit(host.broker, seed, "push", "-q", host.broker.repository, "HEAD:refs/heads/main");
  head = await mustGit(host.broker, seed, "rev-parse", "HEAD");
});
afterAll(() => host.stop());
beforeEach(async () => {
  preparedBase(await (await host.attempt(++runs)).prepare());
  forget(host.broker);
});

const packs = () => join(host.cache, "objects", "pack");
const removeAll = (ending: string) => {
  for (const name of readdirSync(packs())) if (name.endsWith(ending)) rmSync(join(packs(), name));
};
async function cutPack(): Promise<void> {
  for (const name of readdirSync(packs()).filter((one) => one.endsWith(".pack"))) {
    const file = join(packs(), name);
    await chmod(file, 0o644);
    truncateSync(file, Math.floor(statSync(file).size / 2));
  }
}

const damages: readonly [string, () => void | Promise<void>][] = [
  ["whose pack is gone, its index and the ref there", () => removeAll(".pack")],
  ["whose pack and index are gone, the ref there", () => rmSync(packs(), { recursive: true })],
  ["whose pack was cut off by a full disk", cutPack],
  ["without its HEAD", () => rmSync(join(host.cache, "HEAD"))],
  [
    "whose ref names what is not there",
    async () => {
      for (const name of readdirSync(join(host.cache, "refs", "base")))
        await Bun.write(join(host.cache, "refs", "base", name), `${"1".repeat(40)}\n`);
    },
  ],
];
for (const [what, damage] of damages)
  for (const knowsBase of [true, false])
    test(`a copy ${what} heals itself (${knowsBase ? "base known to the server" : "base asked for"})`, async () => {
      await damage();
      const one = await host.attempt(++runs);
      const end = await one.prepare(knowsBase ? { base_oid: head } : {});
      expect(preparedBase(end)).toBe(head as never);
      expect(await agentGit(one.checkout, "status", "--porcelain")).toBe("");
      await agentGit(one.checkout, "fsck", "--strict");
      await mustGit(host.broker, host.cache, "fsck", "--strict", "--full");
    }, 30_000);

test("a copy is not thrown away because the repository refuses", async () => {
  const before = readdirSync(packs());
  const one = await host.attempt(++runs);
  const { reply, stderr } = await one.prepare({ token: `wsrun_${"x".repeat(43)}` });
  expect(reply.kind).toBe("failed");
  expect(stderr).not.toContain("damaged");
  expect(readdirSync(packs())).toEqual(before);
}, 30_000);
