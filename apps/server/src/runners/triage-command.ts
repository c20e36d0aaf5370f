import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { runsFromSource } from "@windshift/base/build-version.ts";

/**
 * How windshift-triage is started: the setting's program, else the one beside our own executable, else the source tree's
 * when we run from source, else what the PATH has.
 */
export function triageCommand(setting: string | undefined, execPath: string, sourceDir: string): string[] {
  if (setting !== undefined) return [setting];
  const beside = join(dirname(execPath), "windshift-triage");
  if (existsSync(beside)) return [beside];
  return runsFromSource ? [execPath, join(sourceDir, "../../triage/src/main.ts")] : ["windshift-triage"];
}
