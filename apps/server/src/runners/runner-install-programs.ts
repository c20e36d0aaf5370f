import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { runsFromSource } from "@windshift/base/build-version.ts";

/** What a runner host is installed with. */
export const RUNNER_PROGRAMS = ["windshift-runner", "windshift-triage"] as const;
/** Folders of a build, one for each kind of host; the names of `make cross`. */
export const RUNNER_TARGETS = ["amd64", "arm64", "amd64-musl", "arm64-musl"] as const;

export interface ProgramSum {
  target: (typeof RUNNER_TARGETS)[number];
  program: (typeof RUNNER_PROGRAMS)[number];
  /** Hex. */
  sha256: string;
}

/**
 * The folder whose `<target>/<program>` are given to hosts: the setting's, else `runner-programs` beside the server's
 * executable, else the folder of the build that the executable lies in, else the source tree's `dist`.
 */
export function runnerProgramsFolder(
  setting: string | undefined,
  execPath: string,
  sourceDir: string,
): string | undefined {
  if (setting !== undefined) return setting;
  const own = dirname(execPath);
  const beside = join(own, "runner-programs");
  if (existsSync(beside)) return beside;
  if (RUNNER_TARGETS.some((target) => target === basename(own))) return dirname(own);
  if (!runsFromSource) return undefined;
  const built = join(sourceDir, "../../../dist");
  return existsSync(built) ? built : undefined;
}

/** The programs a server has for hosts. Each file is read once to know its checksum, and again when it has changed. */
export class RunnerInstallPrograms {
  private readonly known = new Map<string, { version: string; sum: Promise<string> }>();
  constructor(private readonly folder: string | undefined) {}

  /** Those that are there, in a fixed order. */
  async sums(): Promise<ProgramSum[]> {
    const found: ProgramSum[] = [];
    for (const target of RUNNER_TARGETS)
      for (const program of RUNNER_PROGRAMS) {
        const sha256 = await this.sumOf(target, program);
        if (sha256 !== undefined) found.push({ target, program, sha256 });
      }
    return found;
  }

  /** @returns the path of a program, undefined when there is none of that name for that target */
  async find(program: string, target: string): Promise<string | undefined> {
    const { folder } = this;
    // Only names of the lists reach the disk.
    const known =
      RUNNER_PROGRAMS.some((one) => one === program) && RUNNER_TARGETS.some((one) => one === target);
    if (folder === undefined || !known) return undefined;
    const path = join(folder, target, program);
    const found = await stat(path).catch(() => undefined);
    return found?.isFile() ? path : undefined;
  }

  private async sumOf(target: string, program: string): Promise<string | undefined> {
    const path = await this.find(program, target);
    if (path === undefined) return undefined;
    const { ino, size, mtimeMs } = await stat(path);
    const version = `${ino} ${size} ${mtimeMs}`;
    const held = this.known.get(path);
    if (held?.version === version) return held.sum;
    const sum = sha256Of(path);
    this.known.set(path, { version, sum });
    // What could not be read is read again for the next who asks.
    sum.catch(() => this.known.delete(path));
    return sum;
  }
}

/** In pieces, so that other requests go on: a program has 110 MB. */
async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) hash.update(chunk);
  return hash.digest("hex");
}

/** Read at once when a program is looked through, bytes: a millisecond of work between two other requests. */
const READ_BYTES = 1_048_576;
