import { existsSync } from "node:fs";
import { AppError } from "@windshift/contract/app-error.ts";
import { DockerChecks } from "@windshift/execution/docker-checks.ts";
import { dockerCliEnv } from "@windshift/execution/docker-cli.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import { pathsOf, type RunnerSettings } from "./config.ts";

/** Files by which Docker and Podman mark their containers. */
const CONTAINER_MARKS = ["/.dockerenv", "/run/.containerenv"];

/**
 * A runner in a container gives the host's engine paths of its own file system: the folder of the checkouts must be the same
 * folder of the host under the same path. Looked at before anything else, as every run would fail, and the credential that
 * a registration token is exchanged for would be gone with the container. Does nothing outside of containers.
 * @throws AppError `invalid_input` with the sentence that says what to mount
 */
export async function checkSharedFolder(
  settings: RunnerSettings,
  env: Record<string, string | undefined>,
  log: JobLog,
): Promise<void> {
  if (!CONTAINER_MARKS.some((mark) => existsSync(mark))) return;
  const { docker, pidsLimit, memory, cpus, runtime, image } = settings;
  const checks = new DockerChecks({
    docker,
    env: dockerCliEnv(env),
    limits: { pidsLimit, memory, cpus, ...(runtime === undefined ? {} : { runtime }) },
    image,
    // The probe only reads a file.
    network: "none",
    instance: "runner-start",
    worktreeRoot: pathsOf(settings).worktrees,
  });
  // The probe is a container of the agent image; without an engine or an image nothing can be said about mounts.
  for (const look of [() => checks.engine(), () => checks.image()]) {
    const { name, state, detail } = await look();
    if (state === "failed")
      return log.warn("it could not be checked that the host sees this container's folders", {
        check: name,
        detail,
      });
  }
  const check = await checks.worktree();
  if (check.state !== "failed") return;
  throw new AppError("invalid_input", `${check.detail}${mountHint(settings)}`);
}

function mountHint({ cacheRoot }: RunnerSettings): string {
  return ` This runner is in a container: start it with --volume ${cacheRoot}:${cacheRoot} (the same path twice), or set WSRUNNER_CACHE_ROOT to a folder that is mounted so.`;
}
