import { type Check, failed } from "@windshift/execution/check.ts";
import { linesOf, printSteps, takeSteps } from "@windshift/execution/check-steps.ts";
import { type DoctorOptions, stepsOf } from "./doctor-steps.ts";

export type DoctorFormat = "text" | "json";

/**
 * Looks at each thing a run on this host needs and prints what was found, as the server's doctor does. Changes nothing but that
 * missing folders are made and a missing image is pulled; run it as the user that the runner runs as.
 * @returns whether nothing failed
 */
export async function runDoctor(
  options: DoctorOptions,
  format: DoctorFormat,
  print: (line: string) => void,
): Promise<boolean> {
  const steps = stepsOf(options);
  if (format === "text") return (await printSteps(steps, print)).healthy;
  const report = await takeSteps(steps, () => undefined);
  print(jsonOf(report.healthy, report.checks, report.left));
  return report.healthy;
}

/** Settings that cannot be used are what is wrong, and nothing else can be looked at. */
export function printBadSettings(
  problems: readonly string[],
  format: DoctorFormat,
  print: (line: string) => void,
): void {
  const checks = problems.map((problem) => failed("settings", problem));
  const lines = format === "json" ? [jsonOf(false, checks, [])] : checks.flatMap(linesOf);
  for (const line of lines) print(line);
}

function jsonOf(healthy: boolean, checks: readonly Check[], left: readonly string[]): string {
  return JSON.stringify({ healthy, checks, not_checked: left }, null, 2);
}
