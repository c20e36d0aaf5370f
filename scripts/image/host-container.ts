import { join } from "node:path";
import { type ExecResult, exec } from "@windshift/base/exec.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { REPOSITORY_ROOT } from "../build/compile.ts";
import { freshProgram } from "../build/fresh-program.ts";
import { hostArchitecture, RUNNER_PROGRAMS } from "../build/programs.ts";
import { childEnv } from "../setup/child-env.ts";
import { docker, dockerProgram } from "./docker.ts";
import { ensureHostImage } from "./host-image.ts";

/** One command inside, ms. */
const COMMAND_MS_MAX = 120_000;
/** systemd takes two seconds on an idle machine, ms. */
const BOOT_MS_MAX = 60_000;
const SOCKET = "/var/run/docker.sock";

/**
 * systemd manages cgroups of its own: version 2 as the container's namespace has it, else its named hierarchy alone. It is
 * given nothing of the machine but the right to mount.
 */
const BOOT = `
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then mount -t cgroup2 none /sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 none /sys/fs/cgroup
  mkdir /sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd,xattr none /sys/fs/cgroup/systemd
fi
exec /lib/systemd/systemd`;
const RIGHTS = [
  ...["--cgroupns", "private", "--cap-add", "SYS_ADMIN"],
  ...["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"],
];

export interface HostContainerOptions {
  /** As in `docker run --volume`. */
  mounts?: readonly string[];
  network?: string;
}

/** For tests: a Debian host with systemd, this machine's engine, deploy/ at /deploy and the runner's programs at /programs. */
export interface HostContainer extends AsyncDisposable {
  /** Runs a shell script as root. The variables are not in any arguments. */
  sh(script: string, env?: Record<string, string>): Promise<ExecResult>;
}

/** @throws Error when systemd does not start */
export async function startHostContainer(options: HostContainerOptions = {}): Promise<HostContainer> {
  const { network = "none" } = options;
  const silent = () => undefined;
  const image = await ensureHostImage(silent);
  for (const program of RUNNER_PROGRAMS) await freshProgram(program, hostArchitecture(), silent);
  const name = `windshift-host-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const mounts = [
    `${join(REPOSITORY_ROOT, "deploy")}:/deploy:ro`,
    `${join(REPOSITORY_ROOT, "dist", hostArchitecture())}:/programs:ro`,
    `${SOCKET}:/engine.sock`,
    ...(options.mounts ?? []),
  ].flatMap((mount) => ["--volume", mount]);
  const started = await docker(
    [
      ...["run", "--detach", "--rm", "--name", name, "--network", network, ...RIGHTS, ...mounts],
      ...[
        "--tmpfs",
        "/run:exec",
        "--tmpfs",
        "/run/lock",
        "--tmpfs",
        "/tmp:exec",
        "--env",
        "container=docker",
      ],
      ...[image, "sh", "-euc", BOOT],
    ],
    { timeoutMs: COMMAND_MS_MAX },
  );
  if (started.exitCode !== 0) throw new Error(`a host with systemd does not start: ${started.stderr}`);
  const host: HostContainer = {
    sh: (script, env = {}) => {
      const names = Object.keys(env).flatMap((key) => ["--env", key]);
      const argv = [dockerProgram(), "exec", ...names, name, "sh", "-uc", script];
      return exec(argv, { env: childEnv(env), timeoutMs: COMMAND_MS_MAX });
    },
    [Symbol.asyncDispose]: async () => {
      await docker(["rm", "--force", "--volumes", name], { timeoutMs: COMMAND_MS_MAX });
    },
  };
  await eventually("systemd has started", async () => (await host.sh(BOOTED)).exitCode === 0, BOOT_MS_MAX);
  return host;
}

/** The engine's socket comes late: /run is systemd's own. Its group has a name, as an installed engine gives it. */
const BOOTED = `
systemctl is-system-running | grep -qE 'running|degraded' || exit 1
[ -e ${SOCKET} ] || ln -s /engine.sock ${SOCKET}
group=$(stat -Lc %G ${SOCKET})
[ "$group" != UNKNOWN ] || groupadd --gid "$(stat -Lc %g ${SOCKET})" docker
getent group docker > /dev/null || groupadd docker`;
