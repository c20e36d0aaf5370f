import { chmodSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { compileProgram, REPOSITORY_ROOT } from "../build/compile.ts";
import { AGENT_PROGRAM, type Architecture, hostArchitecture } from "../build/programs.ts";
import type { Log } from "../setup/log.ts";
import { BASE_LABEL, CONTENT_LABEL, ensureBaseImage, WANTED_BASE } from "./base-image.ts";
import { contentHash } from "./content-hash.ts";
import { buildOutput, docker, inspectImage, removeUnnamed } from "./docker.ts";
import { imageBytesWithoutBase } from "./image-size.ts";
import { bundledPackages, runtimePackage } from "./sbom/bundled-packages.ts";
import { readDebianPackages } from "./sbom/debian-packages.ts";
import { spdxDocument } from "./sbom/spdx.ts";

export const AGENT_IMAGE = "windshift/agent:local";
/** Installing the packages takes 15 s on a good line, ms. */
const BUILD_MS_MAX = 900_000;

export interface AgentImageOptions {
  log: Log;
  tag?: string;
  /** This machine's when not said; another needs its programs to run here (`ensureForeignMachine`). */
  architecture?: Architecture;
}

/**
 * Builds the agent image, unless the one under this tag was built from the same sources already.
 * Needs a running engine.
 * @returns the tag
 * @throws Error with the words of the tool that failed
 */
export async function ensureAgentImage({
  log,
  tag = AGENT_IMAGE,
  architecture = hostArchitecture(),
}: AgentImageOptions): Promise<string> {
  const content = `${architecture}:${contentHash()}`;
  if ((await inspectImage(tag, `{{index .Config.Labels "${CONTENT_LABEL}"}}`)) === content) {
    log(`${tag} is up to date.`);
    return tag;
  }
  const base = await ensureBaseImage(WANTED_BASE, log, architecture);
  const old = await inspectImage(tag, "{{.Id}}");
  log("Compiling windshift-agent ...");
  const outDir = join(REPOSITORY_ROOT, "dist", architecture);
  const executable = await compileProgram(AGENT_PROGRAM, architecture, outDir);
  log(`Building ${tag} on ${base} ...`);
  await buildImage({ base, tag, content, executable });
  await removeUnnamed(old);
  log(`Built ${tag}: ${((await imageBytesWithoutBase(tag)) / 1e6).toFixed(1)} MB on top of its base.`);
  return tag;
}

interface ImageBuild {
  base: string;
  tag: string;
  content: string;
  executable: string;
}

async function buildImage({ base, tag, content, executable }: ImageBuild): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), "windshift-image-"));
  try {
    for (const name of ["Dockerfile", "dpkg-excludes"])
      cpSync(join(REPOSITORY_ROOT, "deploy/docker", name), join(context, name));
    const packages = await build(base, ["--target", "packages", "--quiet", context]);
    await Bun.write(join(context, "sbom.spdx.json"), await billOfMaterials(tag, packages));
    fillContext(context, executable);
    const baseId = await inspectImage(base, "{{.Id}}");
    const labels = ["--label", `${CONTENT_LABEL}=${content}`, "--label", `${BASE_LABEL}=${baseId}`];
    await build(base, [...labels, "--tag", tag, context]);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** @returns what the engine printed; with `--quiet` the image's id */
async function build(base: string, args: readonly string[]): Promise<string> {
  // The host's network: Debian's packages are fetched, and not every engine has a working bridge.
  const all = ["build", "--network", "host", "--build-arg", `BASE_IMAGE=${base}`, ...args];
  const result = await docker(all, { timeoutMs: BUILD_MS_MAX });
  if (result.exitCode !== 0) throw new Error(`docker build failed:\n${buildOutput(result)}`);
  return result.stdout.trim();
}

async function billOfMaterials(tag: string, packagesImage: string): Promise<string> {
  const document = spdxDocument({
    image: tag,
    version: manifest.version,
    created: new Date(),
    debian: await readDebianPackages(packagesImage),
    runtime: await runtimePackage(),
    bundled: await bundledPackages(AGENT_PROGRAM),
  });
  return `${JSON.stringify(document, null, 1)}\n`;
}

/** Only what the Dockerfile copies, so that nothing of the working tree can slip into the image. */
function fillContext(context: string, executable: string): void {
  cpSync(join(REPOSITORY_ROOT, "apps/agent/git-hooks"), join(context, "git-hooks"), { recursive: true });
  chmodSync(join(context, "git-hooks/prepare-commit-msg"), 0o755);
  cpSync(executable, join(context, AGENT_PROGRAM.name));
}
