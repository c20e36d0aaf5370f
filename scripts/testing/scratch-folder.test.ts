import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { makeScratchFolder, takesPrograms } from "./scratch-folder.ts";

test("a scratch folder is open to every user, and gone with all in it once it is removed", () => {
  using parent = tempDir();
  const scratch = makeScratchFolder([parent.path]);
  expect(statSync(scratch.path).mode & 0o7777).toBe(0o1777);
  mkdirSync(join(scratch.path, "deep/er"), { recursive: true });
  writeFileSync(join(scratch.path, "deep/er/file"), "x");
  scratch.remove();
  scratch.remove();
  expect(readdirSync(parent.path)).toEqual([]);
});

test("what a killed run has left is removed, what a living one uses and what is not ours is not", async () => {
  using parent = tempDir();
  const dead = Bun.spawn(["true"]);
  await dead.exited;
  for (const name of [`ws-test-${dead.pid}-a`, "ws-test-1-b", "ws-testament", "other"])
    mkdirSync(join(parent.path, name));
  const scratch = makeScratchFolder([parent.path]);
  expect(existsSync(scratch.path)).toBe(true);
  const others = readdirSync(parent.path).filter((name) => join(parent.path, name) !== scratch.path);
  expect(others.sort()).toEqual(["other", "ws-test-1-b", "ws-testament"]);
});

test("memory is taken for temporary files only where programs can be run from it", () => {
  const root = "/dev/vda / ext4 rw,relatime 0 0";
  const at = (options: string) => `${root}\ntmpfs /dev/shm tmpfs ${options} 0 0\n`;
  expect(takesPrograms(at("rw,nosuid,nodev"), "/dev/shm")).toBe(true);
  expect(takesPrograms(at("rw,nosuid,nodev,noexec"), "/dev/shm")).toBe(false);
  expect(takesPrograms(`${at("rw")}shm /dev/shm tmpfs rw,noexec 0 0\n`, "/dev/shm")).toBe(false);
  expect(takesPrograms(root, "/dev/shm")).toBe(false);
});
