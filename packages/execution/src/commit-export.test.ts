import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@windshift/base/clock.ts";
import { EXPORT_EXIT, EXPORT_RELEASE, EXPORT_SCRIPT } from "@windshift/contract/export-script.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { commitTree, createRepository, gitOut } from "@windshift/testing/git-repository.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { CommitExport } from "./commit-export.ts";
import { ProcessSandbox } from "./process-sandbox.ts";
import type { SandboxContainer } from "./sandbox.ts";
import { jobLabels } from "./sandbox-labels.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const BRANCH = "agent-runs/run-1";
let root: TempDir;
let checkout: string;
let bundle: string;
let base: string;

beforeEach(async () => {
  root = tempDir();
  checkout = join(root.path, "checkout");
  bundle = join(root.path, "bundle");
  base = await createRepository(checkout, { files: { "a.txt": "a" } });
});
afterEach(() => root.remove());

async function container(script = EXPORT_SCRIPT): Promise<SandboxContainer> {
  const sandbox = new ProcessSandbox({ commands: {}, path: PATH, homeRoot: root.path });
  const created = await sandbox.create({
    name: "windshift-test-run-1-1-export",
    labels: jobLabels("export-test", 1, 1, "export"),
    image: "none",
    command: ["sh", "-c", script, "sh", base, BRANCH],
    env: {},
    workspace: { dir: checkout, readOnly: true },
    network: "none",
  });
  if ("kind" in created) throw new Error(created.detail);
  return created;
}

async function begin(script?: string): Promise<CommitExport> {
  return new CommitExport(await container(script), bundle, systemClock, new AbortController().signal);
}

test("HG-11 an export that was started early takes out what the checkout holds when it is released", async () => {
  const started = join(root.path, "started");
  const exporting = await begin(`: >${started}\n${EXPORT_SCRIPT}`);
  await eventually("the script is started", () => existsSync(started));
  const head = await commitTree(checkout, { files: { "b.txt": "b" } }, "After the start");
  expect(await exporting.take()).toEqual({ kind: "bundle" });
  expect(await gitOut(["bundle", "list-heads", bundle], checkout)).toBe(`${head} HEAD`);
  await exporting.close();
});

test("HG-11 without its release the script looks at nothing and says so", async () => {
  await Bun.write(join(checkout, ".git", "HEAD"), "not a repository any more");
  const exitCode = (stdin: string) =>
    Bun.spawn(["sh", "-c", EXPORT_SCRIPT, "sh", base, BRANCH], {
      cwd: checkout,
      stdin: Buffer.from(stdin),
      stderr: "ignore",
    }).exited;
  expect(await exitCode("")).toBe(EXPORT_EXIT.not_released);
  expect(await exitCode("something else\n")).toBe(EXPORT_EXIT.not_released);
  expect(await exitCode(EXPORT_RELEASE)).toBe(EXPORT_EXIT.unusable);
});

test("an export that nobody takes ends when it is closed", async () => {
  const exporting = await begin();
  await exporting.close();
  expect(await Bun.file(bundle).text()).toBe("");
});

test("an export that cannot write its bundle fails with the cause, and not before it is asked for", async () => {
  await Bun.write(bundle, "in the way");
  const exporting = await begin();
  await expect(exporting.take()).rejects.toThrow("EEXIST");
  await exporting.close();
});

test("SB-08 an export for which the disk has no room is told as such", async () => {
  const inner = await container();
  const full = Object.assign(new Error("no space left on device, write"), { code: "ENOSPC" });
  const exporting = new CommitExport(
    // What a sandbox makes of a reader that fails.
    { start: () => inner.start(), discard: () => inner.discard(), run: () => Promise.reject(full) },
    bundle,
    systemClock,
    new AbortController().signal,
  );
  expect(await exporting.take()).toMatchObject({
    kind: "failed",
    failure: { reason: "export_failed", detail: expect.stringContaining("disk of the run's host is full") },
  });
  await exporting.close();
  await inner.discard();
});

test("the script's own words are in the failure", async () => {
  const exporting = await begin("read -r word; echo 'no space left' >&2; exit 3");
  expect(await exporting.take()).toMatchObject({
    kind: "failed",
    failure: { reason: "export_failed", detail: expect.stringContaining("(exit code 3): no space left") },
  });
  await exporting.close();
});
