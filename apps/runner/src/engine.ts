import { join } from "node:path";
import { AppError } from "@windshift/contract/app-error.ts";
import { DockerChecks } from "@windshift/execution/docker-checks.ts";
import { dockerCliEnv } from "@windshift/execution/docker-cli.ts";
import { DockerSandbox } from "@windshift/execution/docker-sandbox.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import { ProcessSandbox } from "@windshift/execution/process-sandbox.ts";
import type { Sandbox } from "@windshift/execution/sandbox.ts";
import { pathsOf, type RunnerSettings } from "./config.ts";

type Env = Record<string, string | undefined>;

/** PATH of child programs when this one was started without one. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The sandbox that the settings ask for: containers, or (only when permitted) plain processes. */
export function createSandbox(settings: RunnerSettings, env: Env, log: JobLog): Sandbox {
  if (settings.sandbox === "unsandboxed") {
    log.warn("UNSAFE: agents run as plain processes with the rights of this runner");
    const homeRoot = join(settings.cacheRoot, "homes");
    return new ProcessSandbox({ commands: {}, path: env.PATH ?? DEFAULT_PATH, homeRoot });
  }
  return new DockerSandbox({
    docker: settings.docker,
    env: dockerCliEnv(env),
    helperImage: settings.image,
    root: isRoot(),
    limits: limitsOf(settings),
  });
}

/** The checks of the container engine with this runner's settings. */
export function engineChecks(settings: RunnerSettings, env: Env): DockerChecks {
  const { docker, image, network } = settings;
  return new DockerChecks({
    docker,
    env: dockerCliEnv(env),
    limits: limitsOf(settings),
    image,
    network,
    instance: "doctor",
    worktreeRoot: pathsOf(settings).worktrees,
  });
}

/**
 * Refuses an engine whose user ids make every run fail, or that holds no container to its limits, before a registration token is spent
 * on it. One that gives no answer is not refused: it may only be late.
 * @throws AppError `invalid_input`
 */
export async function requireFitEngine(settings: RunnerSettings, env: Env): Promise<void> {
  if (settings.sandbox === "unsandboxed") return;
  const checks = engineChecks(settings, env);
  for (const found of await Promise.all([checks.findUserIds(isRoot()), checks.findLimits()]))
    if (found.kind === "unfit") throw new AppError("invalid_input", found.detail);
}

/** Of its container or of the host; false where there are no users. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function limitsOf({ pidsLimit, memory, cpus, runtime }: RunnerSettings) {
  return { pidsLimit, memory, cpus, ...(runtime === undefined ? {} : { runtime }) };
}
