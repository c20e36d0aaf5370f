import { cpSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../build/compile.ts";
import { freshProgram } from "../build/fresh-program.ts";
import { hostArchitecture, RUNNER_PROGRAMS } from "../build/programs.ts";
import type { Log } from "../setup/log.ts";
import { ensureBuiltImage } from "./built-image.ts";
import { contentHash } from "./content-hash.ts";

export const RUNNER_IMAGE = "windshift/runner:local";
const DOCKERFILE = "deploy/docker/Dockerfile.runner";

const INPUTS = [
  "package.json",
  "apps/{runner,triage}/src/**/*.ts",
  "packages/{base,contract,execution}/src/**/*.ts",
  "scripts/build/*.ts",
  "scripts/image/{built,runner}-image.ts",
  DOCKERFILE,
];

/**
 * Builds the image of windshift-runner for this machine, unless the one under this tag is of the same sources. Needs a
 * running engine.
 * @returns the tag
 * @throws Error with the words of the tool that failed
 */
export function ensureRunnerImage({ log, tag = RUNNER_IMAGE }: { log: Log; tag?: string }): Promise<string> {
  return ensureBuiltImage({ tag, content: contentHash(INPUTS), fill: (folder) => fill(folder, log), log });
}

/** Only what the Dockerfile copies: no setting and no secret can get into the image. */
async function fill(folder: string, log: Log): Promise<void> {
  cpSync(join(REPOSITORY_ROOT, DOCKERFILE), join(folder, "Dockerfile"));
  for (const program of RUNNER_PROGRAMS)
    cpSync(await freshProgram(program, hostArchitecture(), log), join(folder, program.name));
}
