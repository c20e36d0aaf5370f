import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSweep, INSPECTION_SWEEP_MS } from "./push-inspection.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "inspection-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function old(...path: string[]): Promise<void> {
  const dir = join(root, ...path);
  await mkdir(dir, { recursive: true });
  await utimes(dir, 1_000, 1_000);
}

test("what crashes left and snapshots nobody uses go again and again, not only at the start", async () => {
  let nowMs = Date.now();
  const sweep = createSweep(join(root, "quarantine"), join(root, "inspection"), () => nowMs);
  await sweep(); // nothing is there yet
  await old("quarantine", "a");
  await old("inspection", "7", "1".repeat(40));
  await mkdir(join(root, "inspection", "8", "2".repeat(40)), { recursive: true });
  await sweep();
  expect(await readdir(join(root, "quarantine"))).toEqual(["a"]);
  nowMs += INSPECTION_SWEEP_MS;
  await sweep();
  expect(await readdir(join(root, "quarantine"))).toEqual([]);
  expect(await readdir(join(root, "inspection"))).toEqual(["8"]);
});

test("a sweep that fails holds nothing up and is tried again", async () => {
  await Bun.write(join(root, "quarantine"), "no folder");
  const sweep = createSweep(join(root, "quarantine"), join(root, "inspection"));
  await sweep();
  await rm(join(root, "quarantine"));
  await old("quarantine", "a");
  await sweep();
  expect(await readdir(join(root, "quarantine"))).toEqual([]);
});
