import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostArchitecture } from "../build/programs.ts";
import type { Log } from "../setup/log.ts";
import { BASE_LABEL, CONTENT_LABEL, ensureBaseImage, WANTED_BASE } from "./base-image.ts";
import { buildOutput, docker, inspectImage, removeUnnamed } from "./docker.ts";

/** Installing the packages takes 30 s on a good line, ms. */
const BUILD_MS_MAX = 600_000;

export interface BuiltImage {
  tag: string;
  /** Hash of what it is made from, besides its base. */
  content: string;
  /** Puts the build's context into a folder: a Dockerfile that takes BASE_IMAGE and TARGETARCH, and what it copies. */
  fill(folder: string): Promise<void>;
  log: Log;
}

/**
 * Builds an image on our base unless the one under this tag was built from the same content on the same base.
 * @returns the tag
 * @throws Error with the engine's words
 */
export async function ensureBuiltImage({ tag, content, fill, log }: BuiltImage): Promise<string> {
  const base = await ensureBaseImage(WANTED_BASE, log);
  const baseId = await inspectImage(base, "{{.Id}}");
  const label = (name: string) => `{{index .Config.Labels "${name}"}}`;
  const found = await inspectImage(tag, `${label(CONTENT_LABEL)} ${label(BASE_LABEL)}`);
  if (found === `${content} ${baseId}`) {
    log(`${tag} is up to date.`);
    return tag;
  }
  const old = await inspectImage(tag, "{{.Id}}");
  const context = mkdtempSync(join(tmpdir(), "windshift-image-"));
  try {
    await fill(context);
    log(`Building ${tag} on ${base} ...`);
    // The host's network: Debian's packages are fetched, and not every engine has a working bridge.
    const args = [`BASE_IMAGE=${base}`, `TARGETARCH=${hostArchitecture()}`].flatMap((arg) => [
      "--build-arg",
      arg,
    ]);
    const build = ["build", "--network", "host", ...args, "--tag", tag];
    const labels = ["--label", `${CONTENT_LABEL}=${content}`, "--label", `${BASE_LABEL}=${baseId}`];
    const result = await docker([...build, ...labels, context], { timeoutMs: BUILD_MS_MAX });
    if (result.exitCode !== 0) throw new Error(`docker build of ${tag} failed:\n${buildOutput(result)}`);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
  await removeUnnamed(old);
  return tag;
}
