import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../build/compile.ts";
import { freshProgram } from "../build/fresh-program.ts";
import {
  type Architecture,
  hostArchitecture,
  type Program,
  RUNNER_PROGRAMS,
  SERVER_PROGRAM,
} from "../build/programs.ts";
import type { Log } from "../setup/log.ts";
import { ensureBuiltImage } from "./built-image.ts";
import { contentHash } from "./content-hash.ts";

/** An image that carries programs of ours. */
export interface ProgramImage {
  tag: string;
  dockerfile: string;
  /** Sources whose change makes another image. */
  inputs: readonly string[];
  /** What the Dockerfile copies from the folder of an architecture in the context. */
  programs: readonly Program[];
  /** Programs that the server gives to hosts, of every architecture in the context, in `runner-programs/<architecture>`. */
  forHosts: readonly Program[];
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
    programs: RUNNER_PROGRAMS,
    forHosts: [],
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
    programs: [SERVER_PROGRAM, ...RUNNER_PROGRAMS.filter(({ name }) => name === "windshift-triage")],
    forHosts: RUNNER_PROGRAMS,
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
  const fill = (folder: string) => fillImageContext(image, folder, [hostArchitecture()], log);
  return ensureBuiltImage({ tag, content, fill, log });
}

/**
 * Puts everything an image is built from into a folder, for one architecture or several: for builders of another machine.
 * @throws Error with the compiler's words
 */
export async function fillImageContext(
  { dockerfile, programs, forHosts }: ProgramImage,
  folder: string,
  architectures: readonly Architecture[],
  log: Log,
): Promise<void> {
  // Only what the Dockerfile copies: no setting and no secret can get into the image.
  mkdirSync(folder, { recursive: true });
  cpSync(join(REPOSITORY_ROOT, dockerfile), join(folder, "Dockerfile"));
  for (const architecture of architectures) {
    for (const [place, some] of [
      [architecture, programs],
      [`runner-programs/${architecture}`, forHosts],
    ] as const)
      for (const program of some) {
        mkdirSync(join(folder, place), { recursive: true });
        cpSync(await freshProgram(program, architecture, log), join(folder, place, program.name));
      }
  }
}
