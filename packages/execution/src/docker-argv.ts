import { AppError } from "@windshift/contract/app-error.ts";
import { isCliName } from "./docker-cli.ts";
import type { EngineTraits } from "./docker-engine.ts";
import type { SandboxSpec } from "./sandbox.ts";

/** Limits of every container. Defaults: INTERFACES section 1. */
export interface DockerLimits {
  pidsLimit: number;
  /** As Docker writes sizes (`4g`); memory and memory plus swap, so no swap. */
  memory: string;
  /** As Docker writes it (`2`, `1.5`). */
  cpus: string;
  /** `--runtime`, for example `runsc`. */
  runtime?: string;
}

/** The agent's user inside the container. Source: INTERFACES section 3. */
export const AGENT_UID = 1000;
export const AGENT_GID = 1000;
/** Where the checkout is seen inside the container. */
export const CONTAINER_WORKSPACE = "/workspace";
const AGENT_HOME = "/home/agent";
/** Scratch space, each; it counts against the memory limit. */
const TMPFS_SIZE = "2g";
/** Open files of one process: enough for builds, below the hard limit of common daemons. */
const NOFILE_MAX = 16_384;

/**
 * The arguments of `docker create` for a container that is confined as far as the engine can. Values of `env` are not
 * among them: the engine's command line takes each from its own environment.
 */
export function createArgv(
  spec: SandboxSpec,
  limits: DockerLimits,
  { init, podman }: EngineTraits,
): string[] {
  const [program, ...args] = spec.command;
  if (program === undefined) throw new AppError("invalid_input", "a container needs a command");
  return [
    "create",
    ...["--name", spec.name, "--hostname", "agent", "--pull", "never"],
    ...["--interactive", ...(init ? ["--init"] : []), "--restart", "no", "--no-healthcheck"],
    ...["--user", `${AGENT_UID}:${AGENT_GID}`, "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
    ...["--read-only", "--ipc", "private", "--cgroupns", "private", "--network", spec.network],
    ...resourceArgv(limits),
    // exec is allowed: compilers run what they build under /tmp, and /workspace is executable anyway.
    ...tmpfsArgv("/tmp", podman ? PODMAN_OWNER : "mode=1777"),
    ...tmpfsArgv(AGENT_HOME, podman ? PODMAN_OWNER : `mode=0700,uid=${AGENT_UID},gid=${AGENT_GID}`),
    ...["--mount", bindMount(spec.workspace), "--workdir", CONTAINER_WORKSPACE],
    // What a container prints is taken through attach; the engine keeps no copy that could fill its disk.
    ...["--log-driver", "none"],
    ...Object.entries(spec.labels).flatMap(([name, value]) => ["--label", `${name}=${value}`]),
    ...["--env", `HOME=${AGENT_HOME}`],
    ...Object.keys(spec.env).flatMap((name) => ["--env", name]),
    ...["--entrypoint", program, spec.image, ...args],
  ];
}

/** Podman knows no owner of a tmpfs but the container's own user, and goes by the mode of the folder beneath. */
const PODMAN_OWNER = "mode=0700,U";

function tmpfsArgv(dir: string, owner: string): string[] {
  return ["--tmpfs", `${dir}:rw,exec,nosuid,nodev,size=${TMPFS_SIZE},${owner}`];
}

function resourceArgv(limits: DockerLimits): string[] {
  return [
    ...["--pids-limit", String(limits.pidsLimit)],
    ...["--memory", limits.memory, "--memory-swap", limits.memory, "--cpus", limits.cpus],
    ...["--ulimit", `nofile=${NOFILE_MAX}:${NOFILE_MAX}`, "--ulimit", "core=0:0"],
    ...(limits.runtime === undefined ? [] : ["--runtime", limits.runtime]),
  ];
}

function bindMount(workspace: SandboxSpec["workspace"]): string {
  // The mount option is a CSV record: a comma or a quote in a path would start another field.
  if (!/^\/[^,"\r\n\0]*$/.test(workspace.dir))
    throw new AppError(
      "invalid_input",
      `a worktree folder must be absolute and free of commas and quotes: ${workspace.dir}`,
    );
  return `type=bind,src=${workspace.dir},dst=${CONTAINER_WORKSPACE}${workspace.readOnly ? ",readonly" : ""}`;
}

/** Refuses names that would steer the engine's command line or the container's own set-up. */
export function checkEnvNames(env: Record<string, string>): void {
  for (const name of Object.keys(env))
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || isCliName(name))
      throw new AppError("invalid_input", `the variable ${name} cannot be set in a container; rename it`);
}
