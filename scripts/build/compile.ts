import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { BUNDLE_NAME } from "@windshift/server/web-app/web-bundle.ts";
import manifest from "../../package.json" with { type: "json" };
import { childEnv } from "../setup/child-env.ts";
import { hostArchitecture, type Program, TARGETS, type Target } from "./programs.ts";
import { checkTarget } from "./target-check.ts";

export const REPOSITORY_ROOT = join(import.meta.dir, "../..");
/** Bundling takes a second; the first build for a foreign target also fetches its runtime, 40 MB. */
const COMPILE_MS_MAX = 600_000;

/**
 * Compiles one program into a single executable, with its other names beside it.
 * @param outDir made when missing
 * @throws Error with the compiler's words
 */
export async function compileProgram(program: Program, target: Target, outDir: string): Promise<string> {
  mkdirSync(outDir, { recursive: true });
  // Put in place in one step: an executable that is running cannot be written to, and two builds may run at once.
  const buildDir = mkdtempSync(join(outDir, ".build-"));
  try {
    const built = join(buildDir, program.name);
    await compile(program, target, built);
    await checkTarget(built, target);
    const outfile = join(outDir, program.name);
    renameSync(built, outfile);
    for (const alias of program.aliases) {
      symlinkSync(program.name, join(buildDir, alias));
      renameSync(join(buildDir, alias), join(outDir, alias));
    }
    return outfile;
  } finally {
    rmSync(buildDir, { recursive: true, force: true });
  }
}

/** What is put into a program beside its code. @param dir of this build alone */
async function filesWithin(program: Program, dir: string): Promise<string[]> {
  if (program.webApp !== true) return [];
  const result = await exec([process.execPath, "apps/web/bundle/main.ts", "best"], {
    cwd: REPOSITORY_ROOT,
    env: childEnv(),
    timeoutMs: COMPILE_MS_MAX,
  });
  if (result.exitCode !== 0) throw new Error(`cannot bundle the web app:\n${result.stderr}`);
  const file = join(dir, BUNDLE_NAME);
  copyFileSync(result.stdout.trim(), file);
  return [file];
}

async function compile(program: Program, target: Target, outfile: string): Promise<void> {
  // Without a target Bun takes the runtime that is running, so the host's build needs no download.
  const foreign = target === hostArchitecture() ? [] : [`--target=${TARGETS[target].bun}`];
  const result = await exec(
    [
      process.execPath,
      "build",
      ...["--compile", "--minify", "--bytecode", "--sourcemap=none"],
      // A program that starts inside a stranger's checkout must not read settings or code from it.
      ...["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"],
      ...["--define", `BUILD_VERSION=${JSON.stringify(manifest.version)}`],
      ...(program.bytecodeDepth === undefined ? [] : [`--bytecode-depth=${program.bytecodeDepth}`]),
      ...foreign,
      ...["--outfile", outfile, program.entry, ...(await filesWithin(program, dirname(outfile)))],
    ],
    { cwd: REPOSITORY_ROOT, env: childEnv(), timeoutMs: COMPILE_MS_MAX },
  );
  if (result.exitCode !== 0)
    throw new Error(`cannot compile ${program.name} for ${target}:\n${result.stderr || result.stdout}`);
}
