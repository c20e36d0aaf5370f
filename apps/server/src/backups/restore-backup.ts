import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { prepareRepository } from "../repositories/local-repository.ts";
import { BackupManifest, bundleName, DATABASE_FILE, MANIFEST } from "./backup-manifest.ts";
import { bundleGit } from "./bundle-git.ts";

/** How long a backup may take to unpack, ms. */
const UNPACK_MS_MAX = 6 * 3_600_000;
const PATH = "/usr/local/bin:/usr/bin:/bin";

/**
 * Puts a backup into a data folder that has no database and no repositories, with the server stopped.
 * @throws AppError `conflict` when the folder has some; `invalid_input` when the file is no backup
 */
export async function restoreBackup(options: { dataDir: string; file: string }): Promise<BackupManifest> {
  const { dataDir, file } = options;
  const root = join(dataDir, "repositories");
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  await requireEmpty(dataDir, root);
  const parts = await mkdtemp(join(dataDir, ".restore-"));
  try {
    await unpack(file, parts);
    const manifest = await readManifest(file, parts);
    for (const repository of manifest.repositories) await restoreRepository(root, parts, repository);
    // Last: a folder with a database is one that is whole.
    if (manifest.database) await rename(join(parts, DATABASE_FILE), join(dataDir, DATABASE_FILE));
    return manifest;
  } finally {
    await rm(parts, { recursive: true, force: true });
  }
}

async function requireEmpty(dataDir: string, root: string): Promise<void> {
  const repositories = existsSync(root) ? (await readdir(root)).length : 0;
  if (existsSync(join(dataDir, DATABASE_FILE)) || repositories > 0)
    throw new AppError(
      "conflict",
      `WINDSHIFT_DATA: ${dataDir} has a database or repositories; move them away, or name an empty folder`,
    );
}

async function unpack(file: string, parts: string): Promise<void> {
  const result = await exec(
    ["tar", "--extract", `--file=${file}`, "--no-same-owner", "--no-same-permissions", "-C", parts],
    { env: { PATH, LC_ALL: "C.UTF-8" }, timeoutMs: UNPACK_MS_MAX },
  );
  if (result.exitCode !== 0)
    throw new AppError("invalid_input", `${file} cannot be unpacked: ${result.stderr.trim().slice(0, 500)}`);
}

async function readManifest(file: string, parts: string): Promise<BackupManifest> {
  try {
    return BackupManifest.parse(JSON.parse(await readFile(join(parts, MANIFEST), "utf8")));
  } catch (cause) {
    throw new AppError("invalid_input", `${file} is no backup of this program`, { cause });
  }
}

async function restoreRepository(
  root: string,
  parts: string,
  { path, head, bundle }: BackupManifest["repositories"][number],
): Promise<void> {
  const prepared = await prepareRepository(root, head.slice("refs/heads/".length));
  try {
    if (bundle !== null) {
      const from = join(parts, bundleName(path));
      await bundleGit(prepared.dir, "fetch", "--quiet", "--no-tags", from, "+refs/*:refs/*");
    }
    await prepared.moveTo(join(root, `${path}.git`));
  } catch (error) {
    await prepared.discard();
    throw error;
  }
}
