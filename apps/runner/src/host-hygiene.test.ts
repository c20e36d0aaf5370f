import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@windshift/base/clock.ts";
import { DiskAttemptSpools } from "@windshift/execution/disk-attempt-spools.ts";
import { ProcessSandbox } from "@windshift/execution/process-sandbox.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { type HygieneOptions, sweepHost } from "./host-hygiene.ts";

/** What a look around leaves of these folders, and what it says. */
async function swept(folders: readonly string[], over: (options: HygieneOptions) => void = () => undefined) {
  using dir = tempDir();
  const worktrees = join(dir.path, "worktrees");
  for (const name of folders) {
    mkdirSync(join(worktrees, name, "checkout"), { recursive: true });
    writeFileSync(join(worktrees, name, "checkout", "file"), "x");
  }
  const warnings: string[] = [];
  const log = {
    info: () => undefined,
    warn: (text: string) => void warnings.push(text),
    error: () => undefined,
  };
  const root = join(dir.path, "spool");
  const spools = new DiskAttemptSpools({ root, boot: "0".repeat(32), clock: systemClock, log });
  const sandbox = new ProcessSandbox({ commands: {}, path: "/usr/bin:/bin", homeRoot: dir.path });
  const held = [{ run: 1, attempt: 2 }];
  const options = { sandbox, instance: "0123456789ab", worktrees, spools, held, log };
  over(options);
  await sweepHost(options);
  return { left: readdirSync(worktrees).toSorted(), warnings };
}

const OTHERS = ["lost+found", "of-somebody", "run-3", "run-3-1.kept", "run-x-1"];

test("SB-19 folders of attempts that are not held go; one that is held and all that is others' stay", async () => {
  const { left, warnings } = await swept([...OTHERS, "run-1-1", "run-1-2", "run-12-1", "run-2-2"]);
  expect(left).toEqual([...OTHERS, "run-1-2"].toSorted());
  expect(warnings).toEqual([]);
});

test("SB-19 an engine that does not answer, or a folder that resists, keeps nothing else from going", async () => {
  const { left, warnings } = await swept(["run-1-1", "run-2-1", "run-3-1"], ({ sandbox }) => {
    sandbox.sweep = () => Promise.reject(new Error("the engine is away"));
    const { removeDir } = sandbox;
    sandbox.removeDir = (dir) =>
      dir.endsWith("run-2-1") ? Promise.reject(new Error("busy")) : removeDir.call(sandbox, dir);
  });
  expect(left).toEqual(["run-2-1"]);
  expect(warnings).toEqual([
    "containers of attempts that ended could not be looked for",
    "a folder of an attempt that ended could not be removed",
  ]);
});
