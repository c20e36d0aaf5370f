import { chmodSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileProgram, REPOSITORY_ROOT } from "../build/compile.ts";
import { AGENT_PROGRAM, hostArchitecture } from "../build/programs.ts";
import type { Log } from "../setup/log.ts";
import { CONTENT_LABEL, ensureBaseImage, WANTED_BASE } from "./base-image.ts";
import { contentHash } from "./content-hash.ts";
import { buildOutput, docker, inspectImage } from "./docker.ts";

export const AGENT_IMAGE = "windshift/agent:local";
/** Installing the packages takes 15 s on a good line, ms. */
const BUILD_MS_MAX = 900_000;

export interface AgentImageOptions {
  log: Log;
  tag?: string;
}

/**
 * Builds the agent image for this machine, unless the one under this tag was built from the same sources already.
 * Needs a running engine.
 * @returns the tag
 * @throws Error with the words of the tool that failed
 */
export async function ensureAgentImage({ log, tag = AGENT_IMAGE }: AgentImageOptions): Promise<string> {
  const content = contentHash();
  if ((await inspectImage(tag, `{{index .Config.Labels "${CONTENT_LABEL}"}}`)) === content) {
    log(`${tag} is up to date.`);
    return tag;
  }
  const base = await ensureBaseImage(WANTED_BASE, log);
  log("Compiling windshift-agent ...");
  const outDir = join(REPOSITORY_ROOT, "dist", hostArchitecture());
  await compileProgram(AGENT_PROGRAM, hostArchitecture(), outDir);
  await buildImage({ base, tag, content, outDir, log });
  return tag;
}

async function buildImage(build: { base: string; tag: string; content: string; outDir: string; log: Log }) {
  const context = mkdtempSync(join(tmpdir(), "windshift-image-"));
  try {
    fillContext(context, build.outDir);
    build.log(`Building ${build.tag} on ${build.base} ...`);
    // The host's network: Debian's packages are fetched, and not every engine has a working bridge.
    const args = ["build", "--network", "host", "--build-arg", `BASE_IMAGE=${build.base}`];
    const label = ["--label", `${CONTENT_LABEL}=${build.content}`];
    const result = await docker([...args, ...label, "--tag", build.tag, context], {
      timeoutMs: BUILD_MS_MAX,
    });
    if (result.exitCode !== 0) throw new Error(`docker build failed:\n${buildOutput(result)}`);
    build.log(`Built ${build.tag}.`);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Only what the Dockerfile copies, so that nothing of the working tree can slip into the image. */
function fillContext(context: string, outDir: string): void {
  for (const name of ["Dockerfile", "dpkg-excludes"])
    cpSync(join(REPOSITORY_ROOT, "deploy/docker", name), join(context, name));
  cpSync(join(REPOSITORY_ROOT, "apps/agent/git-hooks"), join(context, "git-hooks"), { recursive: true });
  chmodSync(join(context, "git-hooks/prepare-commit-msg"), 0o755);
  cpSync(join(outDir, AGENT_PROGRAM.name), join(context, AGENT_PROGRAM.name));
}
