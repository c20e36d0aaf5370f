import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { git } from "@windshift/base/git.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { CloneCache, type CloneCacheOptions } from "./clone-cache.ts";
import { packCount } from "./clone-tools.ts";

const PATH = process.env.PATH ?? "/usr/bin:/bin";
const QUIET = { info() {}, warn() {}, error() {} };
const DAY_MS = 86_400_000;
/** What one clone of `addClone` is filled with, bytes; the bounds below are counted in it. */
const FILLED = 1_048_576;

let root: TempDir;
let nowMs: number;
beforeEach(() => {
  root = tempDir();
  nowMs = Date.now();
});
afterEach(() => root.remove());

function cacheOf(over: Partial<CloneCacheOptions> = {}): CloneCache {
  const bounds = { bytesMax: 100 * FILLED, ageMsMax: 30 * DAY_MS };
  return new CloneCache({ root: root.path, path: PATH, ...bounds, nowMs: () => nowMs, log: QUIET, ...over });
}
const dirOf = (key: string) => join(root.path, `${key}.git`);
const keys = () => readdirSync(root.path).flatMap((name) => /^(.*)\.git$/.exec(name)?.[1] ?? []);

async function mustGit(cwd: string, ...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@example.test"];
  const result = await git([...identity, ...args], { cwd, timeoutMs: 30_000 });
  if (result.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}

/** A bare clone of some size, used just now. */
async function addClone(cache: CloneCache, key: string): Promise<void> {
  await mustGit(root.path, "init", "-q", "--bare", dirOf(key));
  await Bun.write(join(dirOf(key), "filling"), crypto.getRandomValues(new Uint8Array(65_536)));
  for (let i = 0; i < FILLED / 65_536; i++)
    await Bun.write(join(dirOf(key), `filling-${i}`), crypto.getRandomValues(new Uint8Array(65_536)));
  (await cache.hold(key))();
  nowMs += 1_000;
}

test("the longest unused clones go until the rest fits", async () => {
  const cache = cacheOf({ bytesMax: 2.8 * FILLED });
  for (const key of ["a", "b", "c"]) await addClone(cache, key);
  (await cache.hold("a"))();
  const { removed, bytes } = await cache.tidy();
  expect(removed).toEqual(["b.git"]);
  expect(keys().sort()).toEqual(["a", "c"]);
  expect(bytes).toBeLessThan(2.8 * FILLED);
  expect(bytes).toBeGreaterThan(2 * FILLED);
});

test("a clone nobody used for too long goes although there is room", async () => {
  const cache = cacheOf({ ageMsMax: DAY_MS });
  await addClone(cache, "old");
  nowMs += 2 * DAY_MS;
  await addClone(cache, "new");
  expect((await cache.tidy()).removed).toEqual(["old.git"]);
  expect(keys()).toEqual(["new"]);
});

test("a clone in use stays, however old and large, and goes when the last who held it let go", async () => {
  const cache = cacheOf({ bytesMax: 0, ageMsMax: 0 });
  await addClone(cache, "held");
  const letGo = [await cache.hold("held"), await cache.hold("held")];
  nowMs += DAY_MS;
  expect((await cache.tidy()).removed).toEqual([]);
  letGo[0]?.();
  letGo[0]?.();
  expect((await cache.tidy()).removed).toEqual([]);
  letGo[1]?.();
  nowMs += 1_000;
  expect((await cache.tidy()).removed).toEqual(["held.git"]);
  expect(existsSync(dirOf("held"))).toBe(false);
});

test("a clone whose lock a git process holds stays", async () => {
  const cache = cacheOf({ bytesMax: 0 });
  await addClone(cache, "locked");
  const git = Bun.spawn(["flock", "--exclusive", `${dirOf("locked")}.lock`, "sh", "-c", "echo held; cat"], {
    stdin: "pipe",
    stdout: "pipe",
  });
  await git.stdout.getReader().read();
  expect((await cache.tidy()).removed).toEqual([]);
  git.stdin.end();
  await git.exited;
  expect((await cache.tidy()).removed).toEqual(["locked.git"]);
});

/** A clone with one pack for each of several commits. */
async function addPacks(cache: CloneCache, key: string, packs: number): Promise<string> {
  await addClone(cache, key);
  const seed = join(root.path, `${key}-seed`);
  await mustGit(root.path, "init", "-q", "-b", "main", seed);
  for (let i = 0; i < packs; i++) {
    await Bun.write(join(seed, "file"), `${i}\n`);
    await mustGit(seed, "add", "file");
    await mustGit(seed, "commit", "-q", "-m", `${i}`);
    const fetch = ["-c", "fetch.unpackLimit=1", "fetch", "-q", seed, "+refs/heads/main:refs/base/main"];
    await mustGit(dirOf(key), ...fetch);
  }
  return mustGit(seed, "rev-parse", "HEAD");
}

test("many packs of a clone become one, and nothing of it is lost", async () => {
  const cache = cacheOf({ packsMax: 3 });
  const head = await addPacks(cache, "many", 5);
  expect(await packCount(dirOf("many"))).toBe(5);
  const letGo = await cache.hold("many");
  expect((await cache.tidy()).repacked).toEqual([]);
  letGo();
  expect((await cache.tidy()).repacked).toEqual(["many.git"]);
  expect(await packCount(dirOf("many"))).toBe(1);
  expect(await mustGit(dirOf("many"), "rev-list", "--count", "refs/base/main")).toBe("5");
  expect(await mustGit(dirOf("many"), "rev-parse", "refs/base/main")).toBe(head);
  expect((await cache.tidy()).repacked).toEqual([]);
}, 30_000);

test("an attempt that wants a clone ends its repack and finds it whole", async () => {
  const slow = join(root.path, "bin");
  const started = join(root.path, "started");
  await Bun.write(join(slow, "git"), `#!/bin/sh\necho > ${started}\nexec sleep 600\n`);
  Bun.spawnSync(["chmod", "755", join(slow, "git")]);
  const cache = cacheOf({ packsMax: 1, path: `${slow}:${PATH}` });
  await addPacks(cacheOf(), "busy", 2);
  const tidied = cache.tidy();
  await eventually("the repack to begin", () => existsSync(started));
  const letGo = await cache.hold("busy");
  expect((await tidied).repacked).toEqual([]);
  await mustGit(dirOf("busy"), "fsck", "--full");
  letGo();
}, 30_000);

test("what a removal that was cut off left is gone after the next round", async () => {
  await Bun.write(join(root.path, "half.git.gone", "objects", "pack"), "x");
  await cacheOf().tidy();
  expect(readdirSync(root.path)).toEqual([]);
});
