import { Database } from "bun:sqlite";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Log } from "../setup/log.ts";
import { compileProgram, REPOSITORY_ROOT } from "./compile.ts";
import type { Program, Target } from "./programs.ts";

/** Another process compiles meanwhile, ms. */
const TURN_MS_MAX = 600_000;

/**
 * A program in its folder of dist/<target>/, compiled unless the one there is of the sources as they are now. Processes take turns, so that
 * nobody's program is replaced by the same one while it is being read; within a process, call it once at a time.
 * @returns its path
 * @throws Error with the compiler's words
 */
export async function freshProgram(program: Program, target: Target, log: Log): Promise<string> {
  const outDir = join(REPOSITORY_ROOT, "dist", target, program.folder ?? "");
  mkdirSync(outDir, { recursive: true });
  // A lock that the system takes back when its holder dies.
  using turn = new Database(join(outDir, ".turn"));
  turn.run(`PRAGMA busy_timeout = ${TURN_MS_MAX}`);
  turn.run("BEGIN EXCLUSIVE");
  const file = join(outDir, program.name);
  const stampFile = join(outDir, `.${program.name}.sources`);
  const sources = hashOfSources(program);
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp(sources, file)) return file;
  log(`Compiling ${program.name} for ${target} ...`);
  await compileProgram(program, target, outDir);
  writeFileSync(stampFile, stamp(sources, file));
  return file;
}

/** Names the executable, too: another build may have put its own in that place. */
function stamp(sources: string, file: string): string {
  if (!existsSync(file)) return "";
  const { ino, mtimeMs, size } = statSync(file);
  return `${sources} ${ino} ${mtimeMs} ${size}\n`;
}

function hashOfSources(program: Program): string {
  const own = dirname(program.entry);
  const patterns = [
    `${own}/**/*`,
    "packages/*/src/**/*.ts",
    "deploy/*.sh",
    "scripts/build/*.ts",
    "package*.json",
    ...(program.webApp === true ? ["apps/web/{src,public,bundle}/**/*"] : []),
  ];
  const hash = new Bun.CryptoHasher("sha256").update(Bun.version);
  for (const pattern of patterns)
    for (const path of [...new Bun.Glob(pattern).scanSync({ cwd: REPOSITORY_ROOT })].sort()) {
      if (/[.-](?:test|fixture)\.tsx?$/.test(path)) continue;
      hash.update(`\0${path}\0`);
      hash.update(readFileSync(join(REPOSITORY_ROOT, path)));
    }
  return hash.digest("hex");
}
