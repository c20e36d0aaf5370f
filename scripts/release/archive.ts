import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { childEnv } from "../setup/child-env.ts";

/** Half a gigabyte of programs takes a minute on a slow machine, ms. */
const PACK_MS_MAX = 1_200_000;
/** Name of the list of checksums, in the form of `sha256sum`. */
export const CHECKSUMS = "SHA256SUMS";

/**
 * Packs a folder so that the same files make the same bytes, whoever packs them and when.
 * @param epochS what every file in it is dated, seconds since 1970
 * @returns the archive, `<folder>.tar.gz`
 */
export async function packFolder(folder: string, epochS: number): Promise<string> {
  const file = `${folder}.tar.gz`;
  const half = `${file}.half`;
  const script =
    'set -eu; tar --create --sort=name --mtime="@$1" --owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX --format=gnu -C "$2" "$3" > "$4.tar"; gzip --no-name --stdout "$4.tar" > "$4"; rm "$4.tar"';
  const argv = ["sh", "-c", script, "pack", String(epochS), dirname(folder), basename(folder), half];
  const result = await exec(argv, { env: childEnv({ LC_ALL: "C.UTF-8" }), timeoutMs: PACK_MS_MAX });
  if (result.exitCode !== 0) {
    await rm(half, { force: true });
    throw new Error(`cannot pack ${folder}: ${result.stderr.trim()}`);
  }
  await rename(half, file);
  return file;
}

/** Writes the checksums of all files below a folder, by name, for `sha256sum --check`. @returns how many there are */
export async function writeChecksums(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && entry.name !== CHECKSUMS)
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const lines: string[] = [];
  for (const name of names.toSorted()) lines.push(`${await sha256Of(join(folder, name))}  ${name}\n`);
  await writeFile(join(folder, CHECKSUMS), lines.join(""));
  return lines.length;
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest("hex");
}
