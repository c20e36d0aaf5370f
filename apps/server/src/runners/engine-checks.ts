import { existsSync } from "node:fs";
import { DockerChecks } from "@windshift/execution/docker-checks.ts";
import { dockerCliEnv } from "@windshift/execution/docker-cli.ts";
import type { ServerSettings } from "../config.ts";
import type { Log } from "../http/log.ts";

/** The checks of the container engine with this server's settings. `instance` labels the containers of its probes. */
export function engineChecks(options: {
  settings: ServerSettings;
  /** Folder of the per-run checkouts, absolute. */
  worktreeRoot: string;
  env: Record<string, string | undefined>;
  instance: string;
}): DockerChecks {
  const { settings, worktreeRoot, env, instance } = options;
  return new DockerChecks({
    docker: settings.docker,
    env: dockerCliEnv(env),
    limits: {
      pidsLimit: settings.pidsLimit,
      memory: settings.memory,
      cpus: settings.cpus,
      ...(settings.runtime === undefined ? {} : { runtime: settings.runtime }),
    },
    image: settings.runnerImage ?? "",
    network: settings.network,
    instance,
    worktreeRoot,
  });
}

/** Files by which Docker and Podman mark their containers. */
const CONTAINER_MARKS = ["/.dockerenv", "/run/.containerenv"];

/**
 * A server in a container gives the host's engine paths of its own file system: the worktree folder must be the same
 * folder on the host under the same path. Looked at when the server starts, in the background; every run would fail.
 */
export async function checkSharedWorktrees(checks: Pick<DockerChecks, "worktree">, log: Log): Promise<void> {
  if (!CONTAINER_MARKS.some((mark) => existsSync(mark))) return;
  const check = await checks.worktree();
  if (check.state !== "ok") log.error({ check: check.name }, `runs will fail: ${check.detail}`);
}
