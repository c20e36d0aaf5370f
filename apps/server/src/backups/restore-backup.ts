import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { openDatabase } from "../db/database.ts";
import { prepareRepository } from "../repositories/local-repository.ts";
import { BackupManifest, bundleName, DATABASE_FILE, DUMP_FILE, MANIFEST } from "./backup-manifest.ts";
import { bundleGit } from "./bundle-git.ts";
import { requireNoTables, restorePostgres } from "./postgres-dump.ts";
import { type Credentials, voidRestored } from "./void-restored.ts";

/** How long a backup may take to unpack, ms. */
const UNPACK_MS_MAX = 6 * 3_600_000;
const PATH = "/usr/local/bin:/usr/bin:/bin";

/**
 * Puts a backup into a data folder that has no database and no repositories, with the server stopped; a PostgreSQL database into the
 * empty one of `databaseUrl`. Every token, session and link of before is void afterwards (SO-02), but for what `credentials` keeps.
 * @throws AppError `conflict` when the folder or the database has some; `invalid_input` when the file is no backup, or one of the
 *   other engine; `unavailable` when PostgreSQL refuses
 */
export async function restoreBackup(options: {
  dataDir: string;
  databaseUrl?: string | undefined;
  file: string;
  /** Void unless said. */
  credentials?: Credentials;
}): Promise<BackupManifest> {
  const { dataDir, databaseUrl, file } = options;
  const root = join(dataDir, "repositories");
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  await requireEmpty(dataDir, root);
  const parts = await mkdtemp(join(dataDir, ".restore-"));
  try {
    await unpack(file, parts);
    const manifest = await readManifest(file, parts);
    await requireEngine(manifest, databaseUrl);
    for (const repository of manifest.repositories) await restoreRepository(root, parts, repository);
    // Last: a folder with a database is one that is whole.
    if (manifest.database) await restoreDatabase(manifest, parts, options);
    return manifest;
  } finally {
    await rm(parts, { recursive: true, force: true });
  }
}

/** Before anything is written. */
async function requireEngine(manifest: BackupManifest, url: string | undefined): Promise<void> {
  if (!manifest.database) return;
  if (manifest.engine === "postgres" && url === undefined)
    throw new AppError(
      "invalid_input",
      "the backup holds a PostgreSQL database: set DATABASE_URL to an empty one",
    );
  if (manifest.engine === "sqlite" && url !== undefined)
    throw new AppError(
      "invalid_input",
      "the backup holds an embedded database and DATABASE_URL is set: unset it, restore, then use windshift migrate-database",
    );
  if (url !== undefined) await requireNoTables(url);
}

async function restoreDatabase(
  { engine }: BackupManifest,
  parts: string,
  {
    dataDir,
    databaseUrl: url,
    credentials = "void",
  }: { dataDir: string; databaseUrl?: string | undefined; credentials?: Credentials },
): Promise<void> {
  const sqliteFile = join(parts, DATABASE_FILE);
  if (engine === "postgres" && url !== undefined) await restorePostgres(url, join(parts, DUMP_FILE));
  const database = await openDatabase({ url, sqliteFile });
  try {
    await voidRestored(database, credentials).catch((cause: unknown) => {
      throw new AppError(
        "unavailable",
        `the database is put back, but its tokens still work: run "windshift revoke-tokens" before the server is started (${cause instanceof Error ? cause.message : String(cause)})`,
        { cause },
      );
    });
  } finally {
    await database.close();
  }
  if (engine === "sqlite") await rename(sqliteFile, join(dataDir, DATABASE_FILE));
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
