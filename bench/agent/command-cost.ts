import { commandLine } from "./harness-run.ts";
import { LONG_TURNS } from "./harness-sample.ts";

/** @returns processor time of one command of the script when nobody but its shell is there, ms */
export async function commandCpuMs(checkout: string): Promise<number> {
  let us = 0;
  for (let turn = 0; turn < LONG_TURNS; turn++) {
    const child = Bun.spawn(["bash", "-c", commandLine(turn)], {
      cwd: checkout,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
    });
    if ((await child.exited) !== 0) throw new Error(`${commandLine(turn)} failed`);
    us += Number(child.resourceUsage()?.cpuTime.total ?? Number.NaN);
  }
  return us / 1_000 / LONG_TURNS;
}
