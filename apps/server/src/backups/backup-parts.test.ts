import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readdir, statfs, truncate, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { writeBackup } from "./write-backup.ts";

/** Parts as a process leaves them that is killed. */
async function leaveParts(folder: string, name: string, owner: object | undefined): Promise<string> {
  const parts = join(folder, `.${name}.parts`);
  await mkdir(parts, { recursive: true });
  await writeFile(join(parts, "windshift.db"), "a copy");
  await writeFile(`${parts}.tar`, "half");
  if (owner !== undefined) await writeFile(`${parts}.owner`, JSON.stringify(owner));
  return parts;
}

/** The id of a process that has ended. */
async function endedPid(): Promise<number> {
  const child = Bun.spawn(["true"]);
  await child.exited;
  return child.pid;
}

test("parts that a killed process left are taken away when the next backup starts, and no others", async () => {
  const dataDir = tempDir().path;
  const folder = join(dataDir, "backups");
  const host = hostname();
  const ended = await leaveParts(folder, "windshift-20260101T000000Z", { host, pid: await endedPid() });
  const old = await leaveParts(folder, "windshift-20260102T000000Z", undefined);
  const longAgo = new Date(Date.now() - 13 * 3_600_000);
  for (const path of [old, `${old}.tar`]) await utimes(path, longAgo, longAgo);
  const kept = [
    await leaveParts(folder, "windshift-20260103T000000Z", { host, pid: process.pid }),
    await leaveParts(folder, "windshift-20260104T000000Z", { host: "another-host", pid: 1 }),
    await leaveParts(folder, "windshift-20260105T000000Z", undefined),
    await leaveParts(folder, "somebody-elses", undefined),
  ];
  await utimes(kept[3] ?? "", longAgo, longAgo);
  const before = await readdir(folder);
  await writeBackup({ dataDir, database: undefined, target: join(folder, "windshift-20260106T000000Z.tar") });
  for (const gone of [ended, old])
    for (const end of ["", ".tar", ".owner"])
      expect([gone + end, existsSync(gone + end)]).toEqual([gone + end, false]);
  for (const path of kept)
    expect([path, existsSync(path), existsSync(`${path}.tar`)]).toEqual([path, true, true]);
  // Five of the two that went, two of the one that came.
  expect(await readdir(folder)).toHaveLength(before.length - 5 + 2);
});

test("a backup that would not fit is refused before anything is written", async () => {
  const dataDir = tempDir().path;
  const folder = join(dataDir, "backups");
  const pack = join(dataDir, "repositories", "1", "acme", "big.git", "objects");
  await mkdir(pack, { recursive: true });
  const { bavail, bsize } = await statfs(dataDir);
  await writeFile(join(pack, "big.pack"), "");
  // It has that size and takes no room. Half of what is free would fill the disk with parts and file.
  await truncate(join(pack, "big.pack"), Math.ceil((bavail * bsize * 2) / 3));
  const target = join(folder, "windshift-20260101T000000Z.tar");
  await expect(writeBackup({ dataDir, database: undefined, target })).rejects.toThrow(
    /^a backup takes up to \d+ MB in .*backups while it is written, and \d+ MB are free; make room there/,
  );
  expect(await readdir(folder)).toEqual([]);
});
