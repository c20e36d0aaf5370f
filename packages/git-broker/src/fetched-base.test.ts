import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, readdir, rm, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { Oid } from "@windshift/contract/ids.ts";
import { type BrokerFixture, forget, mustGit, refOf, startBroker } from "./broker-fixture.ts";
import { fetchedBase } from "./fetched-base.ts";
import type { GitUpstream } from "./git-upstream.ts";
import { localUpstream } from "./local-upstream.ts";
import { type QuarantineFixture, startQuarantine } from "./quarantine-fixture.ts";
import { trimSnapshots } from "./snapshot-shelf.ts";

let broker: BrokerFixture;
let quarantine: QuarantineFixture;
let run = 500;
let fetches = 0;

beforeAll(async () => {
  broker = await startBroker();
  const seed = join(broker.dir, "fill");
  await mustGit(broker, broker.dir, "clone", "-q", broker.repository, seed);
  await Bun.write(join(seed, ".github/workflows/ci.yml"), "on: push\n");
  await Bun.write(join(seed, "src/deep/file.ts"), "export {};\n");
  await mustGit(broker, seed, "add", "-A");
  await mustGit(broker, seed, "commit", "-q", "-m", "second");
  await mustGit(broker, seed, "push", "-q", "origin", "HEAD:main");
  quarantine = await startQuarantine(broker);
}, 30_000);
afterAll(async () => {
  quarantine.stop();
  await broker.stop();
});

function counted(): GitUpstream {
  const upstream = localUpstream({ dir: broker.repository });
  return {
    ...upstream,
    rpc: (...args) => {
      fetches++;
      return upstream.rpc(...args);
    },
  };
}

/** Objects of the snapshot by type, as git counts them. */
async function typesIn(dir: string): Promise<string[]> {
  const [oid = ""] = await readdir(dir);
  const args = ["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"];
  return (await mustGit(broker, join(dir, oid), ...args)).split("\n").sort();
}

for (const filter of [true, false])
  test(`a push to a repository elsewhere is looked into with ${filter ? "the folders of its base alone" : "all of its base"}`, async () => {
    await mustGit(broker, broker.repository, "config", "uploadpack.allowFilter", String(filter));
    const dir = join(broker.dir, `snapshots-${filter}`);
    const known = fetchedBase({ dir, upstream: counted() });
    const inspected = await quarantine.grant(run++, { known });
    fetches = 0;
    forget(broker);
    const head = await inspected.commit({ "src/deep/file.ts": "export const a = 1;\n" });
    const pushed = await inspected.push(`HEAD:${inspected.ref}`);
    expect(pushed.stderr).not.toContain("remote:");
    expect(await refOf(broker, inspected.ref)).toBe(head);
    const trees = ["commit", "tree", "tree", "tree", "tree", "tree"];
    expect(await typesIn(dir)).toEqual(filter ? trees : ["blob", "blob", "blob", ...trees]);
    expect(fetches).toBe(filter ? 1 : 2);

    // Removing a file of a folder that the pack never names is seen, because the base's folders are known.
    await inspected.git("rm", "-rq", ".github");
    await inspected.git("commit", "-q", "-m", "remove");
    const refused = await inspected.push(`HEAD:${inspected.ref}`);
    expect(refused.stderr).toContain("remote: .github/workflows/ci.yml tells the CI what to run");
    expect(refused.stderr).toContain("(removed)");
    expect(await refOf(broker, inspected.ref)).toBe(head);
  });

test("GB-30 a file that a later push makes a link is found, although its content is not at hand", async () => {
  await mustGit(broker, broker.repository, "config", "uploadpack.allowFilter", "true");
  const known = fetchedBase({ dir: join(broker.dir, "snapshots-link"), upstream: counted() });
  const inspected = await quarantine.grant(run++, { known, policy: { protected_files: "refuse" } });
  const file = await inspected.commit({ link: "../../etc/passwd" });
  expect((await inspected.push(`HEAD:${inspected.ref}`)).exitCode).toBe(0);
  await rm(join(inspected.work, "link"));
  await symlink("../../etc/passwd", join(inspected.work, "link"));
  await inspected.commit({});
  const refused = await inspected.push(`HEAD:${inspected.ref}`);
  expect(refused.stderr).toContain("remote: link is protected");
  expect(refused.stderr).toContain("a symbolic link whose target is not at hand");
  expect(await refOf(broker, inspected.ref)).toBe(file);
});

test("a base that cannot be fetched refuses the push instead of letting it pass unseen", async () => {
  const upstream = counted();
  const known = fetchedBase({
    dir: join(broker.dir, "snapshots-none"),
    upstream: { ...upstream, rpc: () => Promise.reject(new Error("away")) },
  });
  const inspected = await quarantine.grant(run++, { known });
  await inspected.commit({ "a.txt": "x\n" });
  expect((await inspected.push(`HEAD:${inspected.ref}`)).exitCode).not.toBe(0);
  expect(await refOf(broker, inspected.ref)).toBeUndefined();
  expect(await quarantine.leftovers()).toEqual([]);
});

test("a base that the host no longer has refuses the push with words a person can use", async () => {
  const known = fetchedBase({ dir: join(broker.dir, "snapshots-gone"), upstream: counted() });
  const inspected = await quarantine.grant(run++, { known, base: Oid.parse("5".repeat(40)) });
  await inspected.commit({ "a.txt": "x\n" });
  const refused = await inspected.push(`HEAD:${inspected.ref}`);
  expect(refused.stderr).toContain("remote: this push is refused: commit 555555555555, on which it builds,");
  expect(refused.stderr).toContain("start a new run");
  expect(await refOf(broker, inspected.ref)).toBeUndefined();
});

test("snapshots over their number or their bytes go, used longest ago first, and those in use stay", async () => {
  const dir = join(broker.dir, "shelf");
  const make = async (name: string, usedS: number) => {
    await mkdir(join(dir, name, "objects", "pack"), { recursive: true });
    await Bun.write(join(dir, name, "objects", "pack", "a.pack"), "x".repeat(100));
    await utimes(join(dir, name), usedS, usedS);
  };
  for (const [i, name] of ["a", "b", "c", "d"].entries()) await make(name, 1_000 + i);
  await trimSnapshots(dir, ["a"], { count: 2, bytes: 1_000 });
  expect((await readdir(dir)).sort()).toEqual(["a", "c", "d"]);
  await trimSnapshots(dir, [], { count: 9, bytes: 199 });
  expect(await readdir(dir)).toEqual(["d"]);
});
