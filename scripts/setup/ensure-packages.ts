import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { childEnv } from "./child-env.ts";
import { fileTail } from "./file-tail.ts";
import type { Log } from "./log.ts";
import { asRoot, findPrivilege } from "./privilege.ts";

/** Something a step needs, how to see that it is there, and the Debian package that brings it. */
export interface Need {
  package: string;
  present(): boolean;
}

/** A need that is met when a program is found. Administrators' folders count: `debootstrap` lives in /usr/sbin. */
export function program(name: string, debianPackage = name): Need {
  return { package: debianPackage, present: () => findProgram(name) !== undefined };
}

/** The absolute path of a program in PATH or in an administrator's folder. */
export function findProgram(name: string): string | undefined {
  const path = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin`;
  return Bun.which(name, { PATH: path }) ?? undefined;
}

export type Packages = { kind: "ready" } | { kind: "missing"; packages: string[]; why: string };

/** Where what a package manager prints is kept. */
const LOG_DIR = ".cache";

/** Installs what is missing of `needs` with apt, and nothing when all is there. Never throws for a failing install. */
export async function ensurePackages(needs: readonly Need[], log: Log): Promise<Packages> {
  const packages = missing(needs);
  if (packages.length === 0) return { kind: "ready" };
  const byHand = `Install by hand: ${packages.join(", ")}, then run this again.`;
  if (!existsSync("/etc/debian_version") || Bun.which("apt-get") === null) {
    return { kind: "missing", packages, why: `This is not a Debian system. ${byHand}` };
  }
  const privilege = await findPrivilege();
  const update = asRoot(privilege, ["apt-get", "update"]);
  const install = asRoot(privilege, [
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "apt-get",
    "install",
    "-y",
    "--no-install-recommends",
    ...packages,
  ]);
  if (update === undefined || install === undefined) {
    return { kind: "missing", packages, why: `Neither root nor sudo is available. ${byHand}` };
  }
  log(`Installing ${packages.join(", ")} with apt (output: ${join(LOG_DIR, "apt.log")}) ...`);
  const why = (await run(update, "apt-get update")) ?? (await run(install, "apt-get install"));
  if (why !== undefined) return { kind: "missing", packages, why: `${why}\n${byHand}` };
  const still = missing(needs);
  return still.length === 0
    ? { kind: "ready" }
    : {
        kind: "missing",
        packages: still,
        why: `apt installed ${still.join(", ")}, yet its programs are not found.`,
      };
}

function missing(needs: readonly Need[]): string[] {
  return [...new Set(needs.filter((need) => !need.present()).map((need) => need.package))];
}

/** @returns what went wrong, or undefined */
async function run(argv: string[], what: string): Promise<string | undefined> {
  mkdirSync(LOG_DIR, { recursive: true });
  const logFile = join(LOG_DIR, "apt.log");
  const output = openSync(logFile, "a");
  try {
    const child = Bun.spawn(argv, { env: childEnv(), stdin: "ignore", stdout: output, stderr: output });
    const exitCode = await child.exited;
    return exitCode === 0 ? undefined : `${what} failed (exit code ${exitCode}):\n${fileTail(logFile)}`;
  } finally {
    closeSync(output);
  }
}
