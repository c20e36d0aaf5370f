import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { handOver } from "./checkout-handover.ts";

/** Enough that giving them away takes longer than the clock of the file system ticks. */
const FILES = 3_000;

test("a checkout is given away with its own folder last, for the agent's container may already run", () => {
  using root = tempDir();
  const dir = join(root.path, "checkout");
  mkdirSync(dir, { mode: 0o700 });
  for (let index = 0; index < FILES; index++) writeFileSync(join(dir, `file-${index}`), "");
  // Root gives to the agent's user; anybody may give to themselves, which changes the same times.
  const owner =
    process.getuid?.() === 0
      ? { uid: 1_000, gid: 1_000 }
      : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  handOver(dir, owner);
  const given = readdirSync(dir).map((name) => statSync(join(dir, name), { bigint: true }));
  const changedAtNs = given.map((file) => file.ctimeNs).sort((a, b) => (a < b ? -1 : 1));
  expect(given.every((file) => Number(file.uid) === owner.uid)).toBe(true);
  expect(changedAtNs.at(-1)).toBeGreaterThan(changedAtNs[0] ?? 0n);
  expect(statSync(dir, { bigint: true }).ctimeNs).toBeGreaterThanOrEqual(changedAtNs.at(-1) ?? 0n);
});
