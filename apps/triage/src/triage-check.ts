import { exec } from "@windshift/base/exec.ts";
import { git } from "@windshift/base/git.ts";
import { gitFloorWarning } from "./git-floor.ts";

export interface CheckReport {
  ok: boolean;
  /** For a person, one fact each. */
  lines: string[];
}

/** Everything asked here answers in a few ms. */
const ASK_MS_MAX = 10_000;

/** Looks for the programs this one starts and says what it thinks of them. */
export async function checkHost(path: string): Promise<CheckReport> {
  const found = [
    await describe("git", () => gitVersion(path)),
    await describe("flock", () => flockVersion(path)),
  ];
  return { ok: found.every((one) => one.ok), lines: found.flatMap((one) => one.lines) };
}

async function gitVersion(path: string): Promise<string[]> {
  const { stdout } = await git(["version"], { timeoutMs: ASK_MS_MAX, path });
  const warning = gitFloorWarning(stdout);
  return [`ok: ${stdout.trim()}`, ...(warning === undefined ? [] : [`warning: ${warning}`])];
}

async function flockVersion(path: string): Promise<string[]> {
  const { stdout, exitCode } = await exec(["flock", "--version"], {
    env: { PATH: path },
    timeoutMs: ASK_MS_MAX,
  });
  if (exitCode !== 0) throw new Error("it is not the one of util-linux");
  return [`ok: ${stdout.trim()}`];
}

async function describe(program: string, ask: () => Promise<string[]>): Promise<CheckReport> {
  try {
    return { ok: true, lines: await ask() };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      ok: false,
      lines: [
        `problem: ${program} cannot be used (${why}); install it, for example with apt-get install git util-linux`,
      ],
    };
  }
}
