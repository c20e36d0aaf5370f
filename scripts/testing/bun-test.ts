import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { childEnv } from "../setup/child-env.ts";
import { parseJunit } from "./junit.ts";
import type { ProcessOutcome } from "./tally.ts";

export interface BunTestOptions {
  /** Folder the paths are relative to. */
  cwd: string;
  /** Added to this process's environment. */
  env: Record<string, string>;
  /** Test files run at once, each in a process of its own that takes one file after the other. */
  workers: number;
  /** Where its output goes. */
  output: "inherit" | "ignore";
}

/** One test, ms, unless it says otherwise. */
const TEST_MS_MAX = 30_000;
/** One group of files, ms: a test that never gives control back cannot be ended from inside the process. */
const GROUP_MS_MAX = 10 * 60_000;

/** Runs test files with `bun test`, in worker processes, and reads its report. A crash is an outcome, not an exception. */
export async function bunTest(files: readonly string[], options: BunTestOptions): Promise<ProcessOutcome> {
  const dir = mkdtempSync(join(tmpdir(), "windshift-test-report-"));
  const report = join(dir, "junit.xml");
  let timedOut = false;
  try {
    const child = Bun.spawn(
      [
        process.execPath,
        "test",
        `--timeout=${TEST_MS_MAX}`,
        `--parallel=${options.workers}`,
        "--reporter=junit",
        `--reporter-outfile=${report}`,
        ...files.map((file) => `./${file}`),
      ],
      {
        cwd: options.cwd,
        env: childEnv(options.env),
        stdin: "ignore",
        stdout: options.output,
        stderr: options.output,
      },
    );
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, GROUP_MS_MAX);
    const exitCode = await child.exited;
    clearTimeout(timer);
    const written = Bun.file(report);
    const cases = (await written.exists()) ? parseJunit(await written.text()) : undefined;
    return { files, cases, exitCode, timedOut };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
