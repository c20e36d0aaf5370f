import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeQuarantine, sweepFolders } from "./quarantine-repository.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sweep-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test("a sweep takes what is old and leaves the rest", async () => {
  for (const name of ["old", "new"]) await mkdir(join(root, name));
  await utimes(join(root, "old"), 1_000, 1_000);
  expect(await sweepFolders(root, 60_000)).toBe(1);
  expect(await readdir(root)).toEqual(["new"]);
  expect(await sweepFolders(join(root, "nothing"), 0)).toBe(0);
});

test("a sweep passes folders that go away meanwhile", async () => {
  let stop = false;
  const churn = (async () => {
    while (!stop) await (await makeQuarantine(root, [])).remove();
  })();
  try {
    for (let i = 0; i < 300; i++) await sweepFolders(root, 60_000);
  } finally {
    stop = true;
    await churn;
  }
});
