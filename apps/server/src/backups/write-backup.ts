import { Database as SqliteFile } from "bun:sqlite";
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { chmod, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { buildVersion } from "@windshift/base/build-version.ts";
import { exec } from "@windshift/base/exec.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { type BackupManifest, bundleName, DATABASE_FILE, DUMP_FILE, MANIFEST } from "./backup-manifest.ts";
import { claimParts, removeParts, removeStaleParts, requireRoom } from "./backup-parts.ts";
import { type BackupFacts, factsFile, partsFolder } from "./backup-store.ts";
import { bundleGit } from "./bundle-git.ts";
import { canDump, dumpPostgres, postgresBytes } from "./postgres-dump.ts";

/** How long the tar of all parts may take to write, ms. */
const TAR_MS_MAX = 6 * 3_600_000;
/** How long the database waits for a writer before the copy begins, ms. */
const BUSY_MS_MAX = 30_000;
const PATH = "/usr/local/bin:/usr/bin:/bin";

/** The database of a server: the file in its data folder, or the address of one of PostgreSQL. */
export type BackupSource = "sqlite" | { postgres: string };

/** What a backup can hold of a server's database: all of it, or nothing where PostgreSQL's own programs are not installed. */
export function sourceOf(databaseUrl: string | undefined): BackupSource | undefined {
  if (databaseUrl === undefined) return "sqlite";
  return canDump() ? { postgres: databaseUrl } : undefined;
}

/**
 * Writes a backup: the database as it is at one moment, then every local repository, so that no commit is
 * missing that the database knows. Beside it its facts. The server may go on meanwhile. Mode 0600, as everything of the installation is
 * in it but the secret key.
 * @param target file to write; it appears when it is whole
 * @throws AppError when a part cannot be saved; nothing is left then
 */
export async function writeBackup(options: {
  dataDir: string;
  /** Undefined: a backup of the repositories alone. */
  database: BackupSource | undefined;
  target: string;
}): Promise<BackupFacts> {
  const { dataDir, database, target } = options;
  if (existsSync(target)) throw new AppError("conflict", `${target} is there already; choose another name`);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await removeStaleParts(dirname(target));
  const files = database === "sqlite" ? [DATABASE_FILE, `${DATABASE_FILE}-wal`] : [];
  await requireRoom(
    target,
    [...files, "repositories"].map((name) => join(dataDir, name)),
    typeof database === "object" ? await postgresBytes(database.postgres) : 0,
  );
  const parts = partsFolder(target);
  await mkdir(parts, { mode: 0o700 });
  try {
    await claimParts(target);
    if (database === "sqlite") copyDatabase(join(dataDir, DATABASE_FILE), join(parts, DATABASE_FILE));
    else if (database !== undefined) await dumpPostgres(database.postgres, join(parts, DUMP_FILE));
    const repositories = await bundleAll(join(dataDir, "repositories"), parts);
    const manifest: BackupManifest = {
      format: 1,
      windshift: buildVersion,
      created_at: new Date().toISOString(),
      database: database !== undefined,
      engine: typeof database === "object" ? "postgres" : "sqlite",
      repositories,
    };
    await writeFile(join(parts, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    const whole = `${parts}.tar`;
    await pack(parts, whole);
    const facts = {
      sha256: await sha256(whole),
      database: database !== undefined,
      repositories: repositories.length,
      created_at: manifest.created_at,
    };
    await writeFile(factsFile(target), JSON.stringify(facts), { mode: 0o600 });
    await rename(whole, target);
    return facts;
  } finally {
    await removeParts(parts);
  }
}

/** One consistent copy, whatever is written meanwhile. */
function copyDatabase(from: string, to: string): void {
  if (!existsSync(from)) throw new AppError("not_found", `there is no database ${from}`);
  const file = new SqliteFile(from);
  try {
    file.run(`PRAGMA busy_timeout = ${BUSY_MS_MAX}`);
    file.run("VACUUM INTO ?", [to]);
  } finally {
    file.close();
  }
}

async function bundleAll(root: string, parts: string): Promise<BackupManifest["repositories"]> {
  const saved: BackupManifest["repositories"] = [];
  for (const path of await repositoryPaths(root)) {
    const dir = join(root, `${path}.git`);
    const head = await bundleGit(dir, "symbolic-ref", "HEAD");
    const anyRef = await bundleGit(dir, "for-each-ref", "--count=1", "--format=%(refname)");
    const bundle = anyRef === "" ? null : bundleName(path);
    if (bundle !== null) {
      await mkdir(dirname(join(parts, bundle)), { recursive: true });
      await bundleGit(dir, "bundle", "create", "--quiet", join(parts, bundle), "--all");
    }
    saved.push({ path, head, bundle });
  }
  return saved;
}

/** Folders of local repositories below the root, as `3/acme/project`. */
async function repositoryPaths(root: string): Promise<string[]> {
  const paths: string[] = [];
  for (const workspace of await folders(root))
    for (const owner of await folders(join(root, workspace)))
      for (const name of await folders(join(root, workspace, owner)))
        if (name.endsWith(".git")) paths.push(`${workspace}/${owner}/${basename(name, ".git")}`);
  return paths.toSorted();
}

async function folders(dir: string): Promise<string[]> {
  if (!existsSync(dir)) return [];
  const entries = await readdir(dir, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name);
}

/** The manifest first, so that what a backup holds is read without reading it all. */
async function pack(parts: string, target: string): Promise<void> {
  const others = (await readdir(parts)).filter((name) => name !== MANIFEST).toSorted();
  const argv = ["tar", "--create", `--file=${target}`, "--numeric-owner", "--owner=0", "--group=0"];
  const result = await exec([...argv, "-C", parts, "--", MANIFEST, ...others], {
    env: { PATH, LC_ALL: "C.UTF-8" },
    timeoutMs: TAR_MS_MAX,
  });
  if (result.exitCode !== 0)
    throw new AppError("internal", `the backup could not be written: ${result.stderr.trim().slice(0, 500)}`);
  await chmod(target, 0o600);
}

/** Of a whole file, in hexadecimal digits. Rejects when it cannot be read. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
