import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, linkSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { diskUse } from "./disk-use.ts";
import { markedProcesses } from "./process-tree.ts";

const PATH = process.env.PATH ?? "";
/** Far longer than a test, ms. */
const PATIENT_MS = 600_000;
let root: TempDir;
beforeAll(() => {
  root = tempDir();
});
afterAll(() => root.remove());

/** A PATH on which one program is another; it marks what is started with it. */
async function pathWith(program: string, script: string): Promise<string> {
  const dir = join(root.path, `${program}-${crypto.randomUUID()}`);
  await Bun.write(join(dir, program), `#!/bin/sh\n${script}\n`);
  chmodSync(join(dir, program), 0o755);
  return `${dir}:${PATH}`;
}

const running = (path: string) => markedProcesses("PATH").filter(({ value }) => value === path);

test("a folder takes its blocks and as many files as it has names, links not followed", async () => {
  const dir = join(root.path, "counted");
  mkdirSync(join(dir, "below"), { recursive: true });
  await Bun.write(join(dir, "below", "large"), new Uint8Array(1_048_576).fill(1));
  linkSync(join(dir, "below", "large"), join(dir, "twice"));
  symlinkSync("/", join(dir, "elsewhere"));
  const use = await diskUse(dir, PATH);
  if (use.kind === "unknown") throw new Error("the look was not over in time");
  expect([use.files, use.partial]).toEqual([5, false]);
  expect(use.bytes).toBeGreaterThanOrEqual(1_048_576);
  expect(use.bytes).toBeLessThan(2 * 1_048_576);
  expect(await diskUse(join(dir, "nowhere"), PATH)).toMatchObject({ kind: "counted", bytes: 0, files: 0 });
});

for (const program of ["du", "find"])
  test(`a ${program} that takes too long is unknown, not nothing, and walks no further`, async () => {
    const path = await pathWith(program, "exec sleep 600");
    expect(await diskUse(root.path, path, undefined, 500)).toEqual({ kind: "unknown" });
    expect(running(path)).toEqual([]);
  });

test("a look that is called off ends with all it started", async () => {
  const path = await pathWith("find", "exec sleep 600");
  const off = new AbortController();
  const look = diskUse(root.path, path, off.signal, PATIENT_MS);
  await eventually("it looks for names", () => running(path).length > 0);
  off.abort();
  expect(await look).toEqual({ kind: "unknown" });
  expect(running(path)).toEqual([]);
});
