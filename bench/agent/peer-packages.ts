import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { childEnv } from "../../scripts/setup/child-env.ts";
import type { BenchReport } from "../bench.ts";

/** Those of the agents take 1 GB. */
const INSTALL_MS_MAX = 900_000;

/**
 * Installs packages beside the project, never into it, unless exactly these are there already. Their install scripts do
 * not run.
 * @param folder of the cache, so that peers of one benchmark do not displace those of another
 * @returns the folder they are in
 */
export async function installPackages(
  packages: Record<string, string>,
  report: BenchReport,
  folder = "windshift-bench",
): Promise<string> {
  const dir = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), folder);
  const manifest = join(dir, "package.json");
  const wanted = JSON.stringify({ private: true, dependencies: packages });
  const done = join(dir, "installed.json");
  if (!isText(done, wanted)) {
    report.progress(`installing ${Object.keys(packages).join(", ")} into ${dir}`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(manifest, wanted);
    const result = await exec(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], {
      cwd: dir,
      env: childEnv(),
      timeoutMs: INSTALL_MS_MAX,
    });
    if (result.exitCode !== 0) throw new Error(`npm install failed:\n${result.stderr.slice(-2_000)}`);
    writeFileSync(done, wanted);
  }
  return join(dir, "node_modules");
}

function isText(file: string, text: string): boolean {
  try {
    return readFileSync(file, "utf8") === text;
  } catch {
    return false;
  }
}
