import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createBareRepository, gitOut } from "@windshift/testing/git-repository.ts";
import { startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { ensureAgentImage } from "../../scripts/image.ts";
import { ensureEngine } from "../../scripts/setup/ensure-engine.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure, relativeFigure } from "../figure.ts";
import { interleaved } from "../measure.ts";
import { type CompiledPrograms, compilePrograms } from "../programs.ts";
import { ONE_COMMIT, timeAssignedRun } from "./assigned-run.ts";
import { startBenchServer } from "./bench-server.ts";
import { type EngineImage, timeDockerRun, timeLocalClone } from "./floor.ts";
import { startPrepareRig } from "./prepare.ts";
import { type ProjectSize, writeSyntheticProject } from "./synthetic-project.ts";

/** Rounds of each comparison: odd, so that the median is a sample. */
const RUN_ROUNDS = 11;
const PREPARE_ROUNDS = 5;
/** The project the agent works on: 500 files, 2 MB. */
const PROJECT: ProjectSize = { files: 500, bytes: 4_096 };
/** The project whose checkout is timed: 256 MiB of files, 200 MB as a pack. */
const LARGE_PROJECT: ProjectSize = { files: 2_048, bytes: 131_072 };
/** Bars. Source: PERFORMANCE, "Main job". */
const FIRST_REQUEST_RATIO_MAX = 1.5;
const PULL_REQUEST_MS_MAX = 1_500;
const PREPARE_RATIO_MAX = 1.3;

export const mainJob: Bench = {
  name: "main-job",
  about: "from an assignment to the model, and from finish to the draft pull request, in real containers",
  async run(report) {
    const engine = await ensureEngine(report.progress);
    if (engine.kind === "unavailable") throw new Error(`no container engine: ${engine.why}`);
    using dir = tempDir();
    try {
      const image = await ensureAgentImage({ log: report.progress });
      const programs = await compilePrograms(join(dir.path, "bin"), report);
      await measureRuns(report, dir, programs, { docker: engine.cli, image });
      await measurePrepare(report, dir, programs);
    } finally {
      await engine.stop();
    }
  },
};

async function measureRuns(
  report: BenchReport,
  dir: TempDir,
  programs: CompiledPrograms,
  engine: EngineImage,
): Promise<void> {
  const projectDir = join(dir.path, "project");
  writeSyntheticProject(projectDir, PROJECT);
  const dataDir = join(dir.path, "data");
  mkdirSync(dataDir);
  const model = await startScriptedModel({ script: ONE_COMMIT });
  const server = await startBenchServer(programs.server, dataDir, engine);
  try {
    const workspace = await buildWorkspace(server.api, {
      key: "BENCH",
      name: "Benchmark",
      projectDir,
      repositoryName: "project",
      agentName: "Agent",
      llm: { baseUrl: model.url, apiKey: null, model: "scripted-model" },
    });
    const { subject, floor } = await interleaved(
      RUN_ROUNDS,
      async (round) => {
        const times = await timeAssignedRun(server, workspace, model);
        await forgetRuns(workspace.repository.path);
        report.progress(
          `run ${round}: first request after ${times.toFirstRequestMs} ms, pull request ${times.finishToPullRequestMs} ms after finish`,
        );
        return times;
      },
      async (round) => {
        const containerMs = await timeDockerRun(engine);
        const cloneMs = await timeLocalClone(workspace.repository.path, dir.path);
        report.progress(
          `floor ${round}: docker run ${containerMs.toFixed(0)} ms, git clone ${cloneMs.toFixed(0)} ms`,
        );
        return containerMs + cloneMs;
      },
    );
    report.figure(
      relativeFigure(
        {
          bench: "main-job",
          metric: "assignment to first model request",
          unit: "ms",
          bar: FIRST_REQUEST_RATIO_MAX,
        },
        subject.map((times) => times.toFirstRequestMs),
        "docker run to its first output + git clone --local",
        floor,
      ),
    );
    report.figure(
      absoluteFigure(
        { bench: "main-job", metric: "finish to draft pull request", unit: "ms", bar: PULL_REQUEST_MS_MAX },
        subject.map((times) => times.finishToPullRequestMs),
      ),
    );
  } finally {
    await server.process.stop();
    await model.stop();
  }
}

/** Makes the repository what it was before the run, so that the floor of each round clones the same one. */
async function forgetRuns(repository: string): Promise<void> {
  const refs = await gitOut(["for-each-ref", "--format=%(refname)", "refs/heads/agent-runs/"], repository);
  for (const ref of refs.split("\n")) await gitOut(["update-ref", "-d", ref], repository);
  await gitOut(["prune", "--expire=now"], repository);
}

async function measurePrepare(report: BenchReport, dir: TempDir, programs: CompiledPrograms): Promise<void> {
  report.progress("making a repository of 200 MB");
  const projectDir = join(dir.path, "large-project");
  const repository = join(dir.path, "large.git");
  writeSyntheticProject(projectDir, LARGE_PROJECT);
  const tip = await createBareRepository(repository, join(dir.path, "large-work"), { from: projectDir });
  // As a forge keeps it, and as the host's cache will: the floor must not pay for loose objects.
  await gitOut(["repack", "--quiet", "-a", "-d", "--window=0"], repository);
  const workDir = join(dir.path, "prepare");
  mkdirSync(workDir);
  const rig = startPrepareRig(programs.triage, { dir: repository, tip }, workDir);
  try {
    const { subject, floor } = await interleaved(
      PREPARE_ROUNDS,
      () => rig.time(),
      () => timeLocalClone(repository, workDir, ["--no-hardlinks"]),
    );
    report.figure(
      relativeFigure(
        { bench: "main-job", metric: "prepare, 200 MB, warm cache", unit: "ms", bar: PREPARE_RATIO_MAX },
        subject,
        "git clone --local --no-hardlinks",
        floor,
      ),
    );
  } finally {
    await rig.stop();
  }
}
