import { printSteps } from "@windshift/execution/check-steps.ts";
import { type DoctorOptions, stepsOf } from "./doctor-steps.ts";

/**
 * Looks at each thing a run needs before a run does, and prints one line for each; where something is wrong, the next line
 * says what to do. What depends on a failed check is not looked at, and named at the end.
 * Run it as the user that the server runs as: it makes the data and worktree folders when they are missing.
 * @returns whether nothing failed
 */
export async function runDoctor(options: DoctorOptions, print: (line: string) => void): Promise<boolean> {
  return (await printSteps(stepsOf(options), print)).healthy;
}
