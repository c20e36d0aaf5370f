import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { childEnv } from "../setup/child-env.ts";
import { parseJunit } from "./junit.ts";
import { killProcess, processTree } from "./process-tree.ts";
import type { ProcessOutcome } from "./tally.ts";
import { readTimes, type TestTimes } from "./test-times.ts";

export interface BunTestOptions {
  /** Folder the paths are relative to. */
  cwd: string;
  /** Added to this process's environment. */
  env: Record<string, string>;
  /** Test files run at once, each in a process of its own that takes one file after the other. */
  workers: number;
  /**
   * Each file loads all that it imports again and sees nothing that another left behind. Otherwise the files of a worker share what is
   * loaded, which is compiled once: half of the processor's time.
   */
  isolated: boolean;
  /** Where its output goes. */
  output: "inherit" | "ignore" | Bun.BunFile;
  /** A test process that holds more memory than this is killed, so that a runaway test does not take the machine along. */
  memoryBytesMax?: number;
  /** How long the files took before; the slowest start first. */
  times?: TestTimes;
}

/** What the processes left behind, and how long each file took. */
export interface BunTestOutcome extends ProcessOutcome {
  times: TestTimes;
}

/** One test, ms, unless it says otherwise. */
const TEST_MS_MAX = 30_000;
/** One group of files, ms: a test that never gives control back cannot be ended from inside the process. */
const GROUP_MS_MAX = 30 * 60_000;
/** Far above what any test needs, and little enough for two workers on an 8 GiB machine, bytes. */
const MEMORY_BYTES_MAX = 3 * 1024 ** 3;
/** Between two looks at the memory, ms: a runaway test takes about 1 GiB a second. */
const MEMORY_LOOK_MS = 250;

/** Runs test files with `bun test`, in worker processes, and reads its report. A crash is an outcome, not an exception. */
export async function bunTest(files: readonly string[], options: BunTestOptions): Promise<BunTestOutcome> {
  const dir = mkdtempSync(join(tmpdir(), "windshift-test-report-"));
  const report = join(dir, "junit.xml");
  const times = join(dir, "times.json");
  let timedOut = false;
  try {
    await Bun.write(times, JSON.stringify(options.times ?? { version: 1, files: {} }));
    const child = Bun.spawn(
      [
        process.execPath,
        "test",
        `--timeout=${TEST_MS_MAX}`,
        `--parallel=${options.workers}`,
        options.isolated ? "--isolate" : "--no-isolate",
        `--timings=${times}`,
        "--update-timings",
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
    const deadline = setTimeout(() => {
      timedOut = true;
      for (const { pid } of processTree(child.pid)) killProcess(pid);
    }, GROUP_MS_MAX);
    const guard = guardMemory(child.pid, options.memoryBytesMax ?? MEMORY_BYTES_MAX);
    const exitCode = await child.exited;
    clearTimeout(deadline);
    clearInterval(guard);
    const written = Bun.file(report);
    const cases = (await written.exists()) ? parseJunit(await written.text()) : undefined;
    return { files, cases, exitCode, timedOut, times: timesOf(files, await readTimes(times)) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Without the files of another group. */
function timesOf(files: readonly string[], all: TestTimes): TestTimes {
  return {
    version: 1,
    files: Object.fromEntries(Object.entries(all.files).filter(([file]) => files.includes(file))),
  };
}

/** Kills processes of the tree that hold too much; when it is a worker, bun reports its test as failed and goes on. */
function guardMemory(pid: number, bytesMax: number): Timer {
  return setInterval(() => {
    const greedy = processTree(pid).filter((one) => one.residentBytes > bytesMax);
    for (const one of greedy) {
      const held = Math.round(one.residentBytes / 1024 ** 2);
      process.stderr.write(`killing the test process ${one.pid}: it holds ${held} MiB of memory\n`);
      killProcess(one.pid);
    }
  }, MEMORY_LOOK_MS);
}
