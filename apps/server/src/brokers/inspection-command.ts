import { join } from "node:path";
import { runsFromSource } from "@windshift/base/build-version.ts";

/** The command of our own program that looks into pushes. Started by the server, for itself. */
export const INSPECT_PUSHES = "inspect-pushes";

/** How a process that looks into pushes is started: this very program, from its sources when we run from those. */
export function inspectionCommand(execPath: string, sourceDir: string): string[] {
  return runsFromSource ? [execPath, join(sourceDir, "main.ts"), INSPECT_PUSHES] : [execPath, INSPECT_PUSHES];
}
