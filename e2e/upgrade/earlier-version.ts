import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { git } from "@windshift/base/git.ts";
import { Glob } from "bun";
import { z } from "zod";
import { REPOSITORY_ROOT } from "../../scripts/build/compile.ts";

const GIT_MS_MAX = 60_000;
const Manifest = z.object({ name: z.string().optional(), workspaces: z.array(z.string()).default([]) });

export interface EarlierVersion {
  /** Its commit, and the first line of what that said. */
  name: string;
  /** The program of its server, for Bun. */
  serverMain: string;
}

/**
 * Puts the sources of a commit into an empty folder, so that its programs can be started there: its own packages are its own, those of
 * the registry are the ones that are installed now.
 * @throws Error when git does not know the revision
 */
export async function checkOutVersion(revision: string, dir: string): Promise<EarlierVersion> {
  const commit = await gitText(["rev-parse", "--verify", "--end-of-options", `${revision}^{commit}`]);
  const archive = join(dir, "sources.tar");
  await gitText(["archive", "--format=tar", `--output=${archive}`, commit]);
  const unpacked = await exec(["tar", "--extract", "--file", archive, "--directory", dir], {
    env: { PATH: process.env.PATH ?? "" },
    timeoutMs: GIT_MS_MAX,
  });
  if (unpacked.exitCode !== 0)
    throw new Error(`the sources of ${commit} cannot be unpacked: ${unpacked.stderr}`);
  await linkPackages(dir);
  const name = await gitText(["log", "-1", "--format=%h %s", commit]);
  return { name, serverMain: join(dir, "apps/server/src/main.ts") };
}

async function gitText(args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await git(args, { cwd: REPOSITORY_ROOT, timeoutMs: GIT_MS_MAX });
  if (exitCode !== 0) throw new Error(`git ${args[0]} failed: ${stderr.trim()}`);
  return stdout.trim();
}

async function linkPackages(dir: string): Promise<void> {
  const { workspaces } = Manifest.parse(await Bun.file(join(dir, "package.json")).json());
  const ours = new Map<string, string>();
  for (const pattern of workspaces)
    for (const file of new Glob(`${pattern}/package.json`).scanSync(dir)) {
      const { name } = Manifest.parse(await Bun.file(join(dir, file)).json());
      if (name !== undefined) ours.set(name, dirname(file));
    }
  const modules = join(dir, "node_modules");
  mkdirSync(modules);
  const scopes = new Set([...ours.keys()].map((name) => name.split("/")[0]));
  for (const name of readdirSync(join(REPOSITORY_ROOT, "node_modules")))
    if (!scopes.has(name)) symlinkSync(join(REPOSITORY_ROOT, "node_modules", name), join(modules, name));
  for (const [name, folder] of ours) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(dir, folder), join(modules, name));
    const nested = join(REPOSITORY_ROOT, folder, "node_modules");
    if (existsSync(nested)) symlinkSync(nested, join(dir, folder, "node_modules"));
  }
}
