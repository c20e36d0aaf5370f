import {
  chmod,
  copyFile,
  cp,
  lstat,
  mkdir,
  readdir,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { compileProgram, REPOSITORY_ROOT } from "../build/compile.ts";
import { type Program, RUNNER_PROGRAMS, type Target } from "../build/programs.ts";
import { packFolder, writeChecksums } from "./archive.ts";

/** What every archive of programs has beside them: where it lies in the repository, and what it is called there. */
const BESIDE = [
  ["deploy/install.sh", "install.sh"],
  ["deploy/systemd", "systemd"],
  ["LICENSE", "LICENSE"],
  ["README.md", "README.md"],
  ["CHANGELOG.md", "CHANGELOG.md"],
] as const;

export interface TargetArchive {
  target: Target;
  programs: readonly Program[];
  version: string;
  /** Licenses of what is bundled. */
  notice: string;
  /** Date of all files, seconds since 1970. */
  epochS: number;
  outDir: string;
  /** Told what is done. */
  log(line: string): void;
}

/**
 * Compiles the programs of one target and packs them with installer, licenses and checksums.
 * @returns the archive, `windshift-<version>-linux-<target>.tar.gz` in `outDir`
 */
export async function makeTargetArchive(options: TargetArchive): Promise<string> {
  const { target, programs, version, notice, epochS, outDir, log } = options;
  const folder = join(outDir, `windshift-${version}-linux-${target}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const program of programs) {
    log(`${target}: ${program.name}`);
    await compileProgram(program, target, join(folder, program.folder ?? ""));
  }
  for (const [from, to] of BESIDE)
    await cp(join(REPOSITORY_ROOT, from), join(folder, to), { recursive: true });
  await writeFile(join(folder, "THIRD-PARTY-LICENSES.txt"), notice);
  await offerToHosts(folder, target, programs);
  await chmod(join(folder, "install.sh"), 0o755);
  await writeChecksums(folder);
  const archive = await packFolder(folder, epochS);
  await rm(folder, { recursive: true });
  return archive;
}

/** A server gives the runner's programs to hosts from this folder; those of other targets are unpacked beside. */
async function offerToHosts(folder: string, target: Target, programs: readonly Program[]): Promise<void> {
  const dir = join(folder, "runner-programs", target);
  await mkdir(dir, { recursive: true });
  for (const { name } of RUNNER_PROGRAMS)
    if (programs.some((program) => program.name === name))
      await symlink(relative(dir, join(folder, name)), join(dir, name));
}

/**
 * What containers are made and started with: Dockerfiles, Compose files, installer, service, dashboards.
 * @returns the archive, `windshift-<version>-deploy.tar.gz`
 */
export async function makeDeployArchive(
  options: Pick<TargetArchive, "version" | "epochS" | "outDir">,
): Promise<string> {
  const folder = join(options.outDir, `windshift-${options.version}-deploy`);
  await rm(folder, { recursive: true, force: true });
  await copyTree(join(REPOSITORY_ROOT, "deploy"), folder);
  await copyFile(join(REPOSITORY_ROOT, "LICENSE"), join(folder, "LICENSE"));
  const archive = await packFolder(folder, options.epochS);
  await rm(folder, { recursive: true });
  return archive;
}

/** Without what is of a person alone, such as `compose/.env` with its passwords. */
async function copyTree(from: string, to: string): Promise<void> {
  const found = await lstat(from);
  if (found.isSymbolicLink()) return symlink(await readlink(from), to);
  if (!found.isDirectory()) {
    await mkdir(dirname(to), { recursive: true });
    return copyFile(from, to);
  }
  for (const name of await readdir(from))
    if (!name.startsWith(".")) await copyTree(join(from, name), join(to, name));
}
