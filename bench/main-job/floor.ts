import { rmSync } from "node:fs";
import { join } from "node:path";
import { dockerCliEnv } from "@windshift/execution/docker-cli.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { timed } from "../measure.ts";

/** A container engine and an image on it. */
export interface EngineImage {
  docker: string;
  image: string;
}

/** @returns ms from the start of a bare `docker run` to the first byte the container prints */
export async function timeDockerRun({ docker, image }: EngineImage): Promise<number> {
  const startedMs = performance.now();
  const child = Bun.spawn([docker, "run", "--rm", "--entrypoint", "echo", image, "ready"], {
    env: dockerCliEnv(process.env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const first = await child.stdout.getReader().read();
  const firstByteMs = performance.now() - startedMs;
  if ((await child.exited) !== 0 || first.done) throw new Error(`docker run of ${image} failed`);
  return firstByteMs;
}

/** @returns ms of a `git clone --local`; the clone is removed afterwards, outside of that time */
export async function timeLocalClone(
  repository: string,
  workDir: string,
  flags: readonly string[] = [],
): Promise<number> {
  const target = join(workDir, "clone");
  const elapsedMs = await timed(() =>
    gitOut(["clone", "--quiet", "--local", ...flags, repository, target], workDir),
  );
  rmSync(target, { recursive: true });
  return elapsedMs;
}
