import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createRepository } from "@windshift/testing/git-repository.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { compileProgram } from "../../scripts/build/compile.ts";
import { AGENT_PROGRAM, hostArchitecture, type Program } from "../../scripts/build/programs.ts";
import type { BenchReport } from "../bench.ts";
import { writeSyntheticProject } from "../main-job/synthetic-project.ts";
import { type BenchModel, startBenchModel } from "./bench-model.ts";
import type { Harness, HarnessPlace } from "./harness.ts";
import { floorAgent, ourAgent } from "./our-agent.ts";

/** Everything a benchmark of harnesses stands on. */
export interface AgentRig {
  model: BenchModel;
  place: HarnessPlace;
  ours: Harness;
  oursStreaming: Harness;
  floor: Harness;
}

/** No options of the runtime: the plainest thing Bun makes. */
const FLOOR_PROGRAM: Program = { name: "floor-agent", entry: "bench/agent/floor-agent.ts", aliases: [] };

/** Compiles the programs as they are shipped, makes the repository, starts the model; takes all of it away afterwards. */
export async function withAgentRig(
  report: BenchReport,
  work: (rig: AgentRig) => Promise<void>,
): Promise<void> {
  using dir = tempDir();
  report.progress("compiling windshift-agent and the floor");
  const bin = join(dir.path, "bin");
  const [program, floorProgram] = await Promise.all(
    [AGENT_PROGRAM, FLOOR_PROGRAM].map((one) => compileProgram(one, hostArchitecture(), bin)),
  );
  if (program === undefined || floorProgram === undefined) throw new Error("nothing was compiled");
  const checkout = join(dir.path, "checkout");
  const home = join(dir.path, "home");
  mkdirSync(home);
  writeSyntheticProject(join(dir.path, "project"), { files: 500, bytes: 4_096 });
  await createRepository(checkout, { from: join(dir.path, "project") });
  const model = await startBenchModel();
  try {
    const place = { checkout, home, modelUrl: model.url };
    await work({
      model,
      place,
      ours: ourAgent(program, place, { stream: false }),
      oursStreaming: ourAgent(program, place, { stream: true }),
      floor: floorAgent(floorProgram, place),
    });
  } finally {
    await model.stop();
  }
}
