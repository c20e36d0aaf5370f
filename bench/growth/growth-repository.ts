import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { git } from "@windshift/base/git.ts";
import { Oid } from "@windshift/contract/ids.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import type { BenchReport } from "../bench.ts";
import { startPrepareRig } from "../main-job/prepare.ts";
import { writeSyntheticProject } from "../main-job/synthetic-project.ts";
import { interleaved, timed } from "../measure.ts";
import { compilePrograms } from "../programs.ts";
import { type Point, reportCurve, sizesUpTo } from "./report-curve.ts";

/** Of all files of a project, MB; each is of a quarter of one. */
const PROJECT_MB = [10, 100, 500, 2_000];
const FILE_BYTES = 250_000;
const FILES_PER_MB = 4;
const ROUNDS = 3;
/** To write, pack or clone 2 GB takes minutes on a slow disk. */
const GIT_MS_MAX = 20 * 60_000;
/** What packs are made with: the content does not compress, and how git compresses is not what is measured. */
const PLAIN = [
  "-c",
  "core.compression=0",
  "-c",
  "gc.auto=0",
  "-c",
  "user.name=Bench",
  "-c",
  "user.email=bench@example.test",
];

/** What it costs to prepare a checkout, the first time and again, by the size of the project; beside `git clone --local`. */
export async function growRepository(report: BenchReport): Promise<void> {
  using programs = tempDir();
  const { triage } = await compilePrograms(programs.path, report);
  const points = { first: [] as Point[], again: [] as Point[], clone: [] as Point[] };
  for (const size of sizesUpTo(PROJECT_MB, report)) {
    report.progress(`a project of ${size} MB`);
    using dir = tempDir();
    const repository = await makeRepository(dir.path, size);
    const work = join(dir.path, "work");
    mkdirSync(work);
    const rig = startPrepareRig(triage, repository, work);
    try {
      points.first.push({ size, samples: [await rig.time()] });
      const clone = join(dir.path, "clone");
      const { subject, floor } = await interleaved(
        ROUNDS,
        () => rig.time(),
        async () => {
          const ms = await timed(() => run(["clone", "--quiet", "--local", repository.dir, clone], dir.path));
          rmSync(clone, { recursive: true });
          return ms;
        },
      );
      points.again.push({ size, samples: subject });
      points.clone.push({ size, samples: floor });
    } finally {
      await rig.stop();
    }
  }
  const shape = { unit: "ms", of: "MB", costOf: "all" } as const;
  reportCurve(report, "a checkout is prepared, the first time", shape, points.first);
  reportCurve(report, "a checkout is prepared again", shape, points.again);
  reportCurve(report, "git clone --local", { ...shape, isFloor: true }, points.clone);
}

async function makeRepository(dir: string, mb: number): Promise<{ dir: string; tip: Oid }> {
  const work = join(dir, "project");
  const bare = join(dir, "project.git");
  writeSyntheticProject(work, { files: mb * FILES_PER_MB, bytes: FILE_BYTES });
  await run(["init", "--quiet", "--initial-branch=main"], work);
  await run([...PLAIN, "add", "--all"], work);
  await run([...PLAIN, "commit", "--quiet", "--message", "Start the project"], work);
  const tip = Oid.parse(await run(["rev-parse", "HEAD"], work));
  await run([...PLAIN, "clone", "--quiet", "--bare", "--no-hardlinks", work, bare], dir);
  // One pack, as a forge keeps it.
  await run([...PLAIN, "repack", "--quiet", "-a", "-d", "--window=0"], bare);
  rmSync(work, { recursive: true });
  return { dir: bare, tip };
}

async function run(args: readonly string[], cwd: string): Promise<string> {
  const result = await git(args, { cwd, timeoutMs: GIT_MS_MAX });
  if (result.exitCode !== 0) throw new Error(`git ${args.join(" ")} failed: ${result.stderr.trim()}`);
  return result.stdout.trim();
}
