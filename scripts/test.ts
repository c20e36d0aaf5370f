import { existsSync, mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { formatDuration } from "@windshift/base/duration.ts";
import { TEMPLATE_DIR } from "@windshift/testing/filled-database.ts";
import { LOG_DIR } from "@windshift/testing/kept-log.ts";
import type { Log } from "./setup/log.ts";
import { type BunTestOutcome, bunTest } from "./testing/bun-test.ts";
import { scanLogs, scanTally } from "./testing/log-scan.ts";
import { DATABASE_FIXTURE, moduleUse, PROGRAM_COMMAND } from "./testing/module-use.ts";
import { makeScratchFolder } from "./testing/scratch-folder.ts";
import { afterSecondTry, filesToTryAgain } from "./testing/second-try.ts";
import { sum, type Tally, tally, tallyLine } from "./testing/tally.ts";
import { prepareTestMachine, type TestMachine } from "./testing/test-machine.ts";
import { findTestFiles, needsBrowser, needsEngine, planTests, type TestGroup } from "./testing/test-plan.ts";
import {
  longestTimes,
  readTimes,
  slowestLines,
  type TestTimes,
  TIMES_FILE,
  writeTimes,
} from "./testing/test-times.ts";

/**
 * npm test [-- path …] [--save-times] [--keep-files]: makes the machine ready, runs the tests (those that touch the database once on each engine) and
 * ends with one line, `N passed, N failed`. A file that fails is run once more by itself; one that passes then is named as
 * unsteady. Exit code 1 when one failed or none ran. `--save-times` writes down how long the files took, which the next runs are
 * ordered by. All temporary files are in one folder that is removed at the end; `--keep-files` leaves it, to look into a failure.
 */
const ROOT = resolve(import.meta.dir, "..");
/** Two more than there are cores, since much of the time is spent waiting for containers, leases and browsers. */
const WORKERS_MAX = 4;
/** With two groups at once, of which the second is the shorter. */
const SHARED_WORKERS_MAX = [3, 2] as const;
const SAVE_TIMES = "--save-times";
const KEEP_FILES = "--keep-files";
/** Lines of the table of slow files at the end. */
const SLOWEST_SHOWN = 15;

const log: Log = (line) => process.stdout.write(`${line}\n`);
const startedMs = performance.now();
const wanted = process.argv.slice(2);
const keepsFiles = wanted.includes(KEEP_FILES);
const filters = wanted.filter((word) => word !== SAVE_TIMES && word !== KEEP_FILES);
const files = findTestFiles(ROOT, filters);
process.chdir(ROOT);
if (files.length === 0) log(`No test file matches: ${filters.join(" ")}`);
const uses = moduleUse(ROOT);
const groups = planTests(files, (file) => uses(file, DATABASE_FIXTURE));
const scratch = makeScratchFolder();
const machine = await prepareTestMachine(
  {
    scratch: scratch.path,
    engine: needsEngine(files),
    postgres: groups.some((group) => group.database === "postgres"),
    browser: await needsBrowser(ROOT, files),
    programs: files.some((file) => uses(file, PROGRAM_COMMAND)),
  },
  log,
);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void stopMachine().finally(() => process.exit(130)));
}
const logDir = join(scratch.path, "logs");
const templateDir = join(scratch.path, "templates");
for (const dir of [logDir, templateDir]) mkdirSync(dir);
const known = await readTimes(TIMES_FILE);
const tallies: Tally[] = [];
const times: TestTimes[] = [];
try {
  for (const problem of machine.problems) log(`\nNOT READY: ${problem}`);
  tallies.push(...(await runGroups(groups, machine)));
  tallies.push(scanTally(await scanLogs(logDir)));
} finally {
  await stopMachine();
}
const total = sum(tallies);
const took = longestTimes(times);
log(`\nThe slowest files:\n${slowestLines(took, SLOWEST_SHOWN).join("\n")}`);
if (wanted.includes(SAVE_TIMES)) {
  const all = Object.entries({ ...known.files, ...took.files });
  const present = all.filter(([file]) => existsSync(resolve(ROOT, file)));
  await Bun.write(TIMES_FILE, writeTimes({ version: 1, files: Object.fromEntries(present) }));
}
for (const note of total.notes) log(note);
log(`\n${files.length} files in ${formatDuration(performance.now() - startedMs)}`);
log(tallyLine(total));
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

/** What cannot be ended is told, and costs no test its result. */
async function stopMachine(): Promise<void> {
  await machine.stop().catch((error: unknown) => log(`Ending what was started failed: ${String(error)}`));
  if (keepsFiles) return log(`The temporary files of the tests are in ${scratch.path}`);
  try {
    scratch.remove();
  } catch (error) {
    log(`Temporary files are left in ${scratch.path}: ${String(error)}`);
  }
}

/**
 * Both groups at once, so that the machine waits for a last file but once. What the second says is shown when it has ended. Files that
 * failed are tried again when nothing else runs.
 */
async function runGroups(groups: readonly TestGroup[], ready: TestMachine): Promise<Tally[]> {
  const cores = availableParallelism();
  const passes = groups.map(async (group, at) => {
    const most = groups.length > 1 ? SHARED_WORKERS_MAX[at] : WORKERS_MAX;
    const output = at === 0 ? undefined : join(scratch.path, `output-${group.database}.txt`);
    log(`\n== ${group.files.length} test files ${group.title}${output ? ", shown at their end" : ""}\n`);
    const workers = Math.min(most ?? 1, cores + 2);
    const first = await runFiles(group, ready, group.files, { workers, isolated: false, output });
    times.push(first.times);
    if (output !== undefined) log(`\n== ${group.title}:\n\n${await Bun.file(output).text()}`);
    return { group, first };
  });
  const tallies: Tally[] = [];
  for (const { group, first } of await Promise.all(passes)) {
    const again = filesToTryAgain(first);
    if (again.length > 0) log(`\n== once more, by themselves: ${again.join(" ")}\n`);
    const alone = { workers: 1, isolated: true, output: undefined };
    const { outcome, notes } =
      again.length === 0
        ? { outcome: first, notes: [] }
        : afterSecondTry(first, await runFiles(group, ready, again, alone));
    const counted = tally(outcome, !process.env.CI);
    tallies.push({
      ...counted,
      notes: [...notes, ...counted.notes].map((note) => `[${group.title}] ${note}`),
    });
  }
  return tallies;
}

/** @param how `output`: the file that gets what they say; shown at once when undefined */
function runFiles(
  group: TestGroup,
  ready: TestMachine,
  files: readonly string[],
  { workers, isolated, output }: { workers: number; isolated: boolean; output: string | undefined },
): Promise<BunTestOutcome> {
  const database = {
    WINDSHIFT_TEST_DATABASE: group.database,
    [LOG_DIR]: logDir,
    [TEMPLATE_DIR]: templateDir,
  };
  return bunTest(files, {
    cwd: ROOT,
    env: { ...ready.env, ...database },
    workers,
    isolated,
    output: output === undefined ? "inherit" : Bun.file(output),
    times: known,
  });
}
