import { join, resolve } from "node:path";

/** Folder with the programs as they are shipped, for tests that start them; unset, they start from their sources, which takes twice the time. */
export const PROGRAM_DIR = "WINDSHIFT_TEST_PROGRAMS";

/** What a program is compiled from, and where below that folder it is. */
const PROGRAMS = {
  windshift: { source: "apps/server/src/main.ts", compiled: "windshift" },
  "windshift-runner": { source: "apps/runner/src/main.ts", compiled: "windshift-runner" },
  "windshift-triage": { source: "apps/triage/src/main.ts", compiled: "windshift-triage" },
  ws: { source: "apps/ws/src/main.ts", compiled: "cli/ws" },
} as const;
export type ProgramName = keyof typeof PROGRAMS;

const ROOT = resolve(import.meta.dir, "../../..");

/** How a test starts a program of the project: what `npm test` has compiled, else its sources with the Bun of this process. */
export function programCommand(program: ProgramName): string[] {
  const { source, compiled } = PROGRAMS[program];
  const dir = process.env[PROGRAM_DIR];
  // Compiled, it reads no .env of the folder it is started in.
  return dir === undefined ? [process.execPath, "--no-env-file", join(ROOT, source)] : [join(dir, compiled)];
}
