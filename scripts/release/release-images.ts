import { chmod, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { hostArchitecture } from "../build/programs.ts";
import { ensureAgentImage } from "../image/agent-image.ts";
import { docker } from "../image/docker.ts";
import { ensureProgramImage, PROGRAM_IMAGES } from "../image/program-images.ts";
import { imageBom } from "../image/sbom/image-bom.ts";
import { programImageBom } from "../image/sbom/program-image-bom.ts";
import { childEnv } from "../setup/child-env.ts";
import type { Log } from "../setup/log.ts";

/** An image of half a gigabyte takes a minute to be written on a slow disk, ms. */
const SAVE_MS_MAX = 1_200_000;

/**
 * Builds the images of this machine's architecture under the version's tag, and writes each as a file for `docker load`, with its bill of
 * materials beside it. Needs a running engine. Other architectures are built on a machine that has them, from the same Dockerfiles.
 */
export async function makeImages(options: { version: string; outDir: string; log: Log }): Promise<void> {
  const { version, outDir, log } = options;
  const agent = `windshift/agent:${version}`;
  await ensureAgentImage({ log, tag: agent });
  await save(agent, fileOf("agent", options), log);
  await Bun.write(`${fileOf("agent", options)}.spdx.json`, await imageBom(agent));
  for (const [name, image] of Object.entries(PROGRAM_IMAGES)) {
    const tag = await ensureProgramImage(image, { log, tag: `windshift/${name}:${version}` });
    const file = fileOf(name, { version, outDir });
    await save(tag, file, log);
    await Bun.write(`${file}.spdx.json`, await programImageBom(image, tag, version));
  }
}

function fileOf(name: string, { version, outDir }: { version: string; outDir: string }): string {
  return join(outDir, `windshift-${name}-image-${version}-linux-${hostArchitecture()}.tar.gz`);
}

async function save(tag: string, file: string, log: Log): Promise<void> {
  log(`Saving ${tag} ...`);
  const tar = `${file}.tar`;
  const saved = await docker(["save", "--output", tar, tag], { timeoutMs: SAVE_MS_MAX });
  if (saved.exitCode !== 0) throw new Error(`cannot save ${tag}: ${saved.stderr.trim()}`);
  const packed = await exec(["gzip", "--no-name", "--force", tar], {
    env: childEnv(),
    timeoutMs: SAVE_MS_MAX,
  });
  if (packed.exitCode !== 0) {
    await rm(tar, { force: true });
    throw new Error(`cannot pack ${tag}: ${packed.stderr.trim()}`);
  }
  // The engine writes for its own user alone; a release is for everybody.
  await chmod(`${tar}.gz`, 0o644);
  await rename(`${tar}.gz`, file);
}
