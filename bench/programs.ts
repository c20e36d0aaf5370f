import { join } from "node:path";
import { compileProgram } from "../scripts/build/compile.ts";
import { hostArchitecture, PROGRAMS } from "../scripts/build/programs.ts";
import type { BenchReport } from "./bench.ts";

/** Programs as they are shipped, compiled from the source tree as it is now. */
export interface CompiledPrograms {
  server: string;
  triage: string;
}

/** Compiles the server and triage side by side into `dir`, where the server finds its triage. Takes seconds. */
export async function compilePrograms(dir: string, report: BenchReport): Promise<CompiledPrograms> {
  report.progress("compiling windshift and windshift-triage");
  await Promise.all(["windshift", "windshift-triage"].map((name) => compile(name, dir)));
  return { server: join(dir, "windshift"), triage: join(dir, "windshift-triage") };
}

async function compile(name: string, dir: string): Promise<void> {
  const program = PROGRAMS.find((one) => one.name === name);
  if (program === undefined) throw new Error(`scripts/build/programs.ts has no ${name}`);
  await compileProgram(program, hostArchitecture(), dir);
}
