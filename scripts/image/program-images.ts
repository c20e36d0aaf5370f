import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../build/compile.ts";
import { freshProgram } from "../build/fresh-program.ts";
import { hostArchitecture, type Program, RUNNER_PROGRAMS, SERVER_PROGRAM } from "../build/programs.ts";
import type { Log } from "../setup/log.ts";
import { ensureBuiltImage } from "./built-image.ts";
import { contentHash } from "./content-hash.ts";

/** An image that carries programs of ours. */
export interface ProgramImage {
  tag: string;
  dockerfile: string;
  /** Sources whose change makes another image. */
  inputs: readonly string[];
  /** What the Dockerfile copies: where in the context, and which program. */
  programs: readonly [path: string, program: Program][];
}

const COMMON_INPUTS = [
  "package.json",
  "package-lock.json",
  "apps/{runner,triage}/src/**/*.ts",
  "packages/{base,contract,execution}/src/**/*.ts",
  "scripts/build/*.ts",
  "scripts/image/{built-image,program-images}.ts",
];

export const PROGRAM_IMAGES = {
  runner: {
    tag: "windshift/runner:local",
    dockerfile: "deploy/docker/Dockerfile.runner",
    inputs: COMMON_INPUTS,
    programs: RUNNER_PROGRAMS.map((program) => [program.name, program]),
  },
  server: {
    tag: "windshift/server:local",
    dockerfile: "deploy/docker/Dockerfile.server",
    inputs: [
      ...COMMON_INPUTS,
      "apps/{server,web}/**/*.{ts,tsx,css,html,svg,sh}",
      "packages/*/src/**/*.ts",
      "deploy/install.sh",
    ],
    programs: [
      [SERVER_PROGRAM.name, SERVER_PROGRAM],
      ...RUNNER_PROGRAMS.filter(({ name }) => name === "windshift-triage").map(
        (one) => [one.name, one] as [string, Program],
      ),
      // For hosts of this machine's architecture; others are mounted beside.
      ...RUNNER_PROGRAMS.map(
        (one) => [`runner-programs/${hostArchitecture()}/${one.name}`, one] as [string, Program],
      ),
    ],
  },
} as const satisfies Record<string, ProgramImage>;

/**
 * Builds an image for this machine, unless the one under its tag is of the same sources. Needs a running engine.
 * @returns the tag
 * @throws Error with the words of the tool that failed
 */
export function ensureProgramImage(
  image: ProgramImage,
  { log, tag = image.tag }: { log: Log; tag?: string },
): Promise<string> {
  const content = contentHash([...image.inputs, image.dockerfile]);
  return ensureBuiltImage({ tag, content, fill: (folder) => fill(image, folder, log), log });
}

/** Only what the Dockerfile copies: no setting and no secret can get into the image. */
async function fill({ dockerfile, programs }: ProgramImage, folder: string, log: Log): Promise<void> {
  cpSync(join(REPOSITORY_ROOT, dockerfile), join(folder, "Dockerfile"));
  for (const [path, program] of programs) {
    const file = join(folder, path);
    mkdirSync(join(file, ".."), { recursive: true });
    cpSync(await freshProgram(program, hostArchitecture(), log), file);
  }
}
