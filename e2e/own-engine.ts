import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { dockerCliEnv } from "@windshift/execution/docker-cli.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { startDockerd, stopDockerd } from "../scripts/setup/dockerd.ts";

/** A shell and what it needs, a few megabytes. */
const IMAGE = "windshift/shell:local";
const PROGRAMS = ["/bin/sh", "/bin/sleep", "/bin/cat"];
const COMMAND_MS_MAX = 60_000;
const RESTART_MS_MAX = 180_000;
const ROOT = { kind: "root" } as const;

/** A dockerd of one test's own, with folders, socket, bridge and processes that nobody else uses; no firewall rules. */
export interface OwnEngine {
  image: string;
  /** For DockerSandbox. */
  env: Record<string, string>;
  dir: string;
  signal(name: NodeJS.Signals): void;
  /** Waits until its process is gone after a signal. */
  gone(): Promise<void>;
  /** Starts it again on the same folders. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts it as root with one small image and a bridge of its own.
 * @param options more of dockerd's own arguments
 */
export async function startOwnEngine(options: readonly string[] = []): Promise<OwnEngine> {
  const dir = mkdtempSync(join(tmpdir(), "ws-engine-"));
  const execRoot = join(dir, "exec");
  const host = `unix://${join(dir, "docker.sock")}`;
  const env = { ...dockerCliEnv(process.env), DOCKER_HOST: host };
  const docker = (args: string[]) => exec(["docker", ...args], { env, timeoutMs: COMMAND_MS_MAX });
  // Not "none": a daemon without a bridge takes away docker0, which is that of the machine's daemon.
  const bridge = `ws-${randomBytes(5).toString("hex")}`;
  const place = {
    host,
    pidFile: join(dir, "docker.pid"),
    logDir: dir,
    options: [
      ...["--data-root", join(dir, "data"), "--exec-root", execRoot, "--storage-driver", "vfs"],
      ...[
        "--bridge",
        bridge,
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--ip-masq=false",
      ],
      ...options,
    ],
  };
  let pid = 0;
  const start = async () => {
    const started = await startDockerd(place, ROOT, async () => (await docker(["version"])).exitCode === 0);
    if (started.kind === "failed") throw new Error(started.why);
    ({ pid } = started);
  };
  await ip(["link", "add", bridge, "type", "bridge"]);
  await start();
  const imported = await docker(["import", makeRoot(dir), IMAGE]);
  if (imported.exitCode !== 0) throw new Error(imported.stderr);
  return {
    image: IMAGE,
    env,
    dir,
    signal: (name) => void process.kill(pid, name),
    gone: () => eventually("the engine is gone", () => !isAlive(pid), COMMAND_MS_MAX).then(() => {}),
    // A service manager would try again too: containerd may need longer than dockerd waits for it.
    restart: () =>
      eventually(
        "the engine is back",
        () =>
          start().then(
            () => true,
            () => undefined,
          ),
        RESTART_MS_MAX,
      ).then(() => {}),
    stop: async () => {
      if (isAlive(pid)) {
        process.kill(pid, "SIGCONT");
        await docker(["ps", "-aq"]).then(({ stdout }) =>
          docker(["rm", "-f", ...stdout.split("\n").filter(Boolean)]),
        );
        await stopDockerd(pid, ROOT);
      }
      endHelpers(execRoot);
      await ip(["link", "delete", bridge]);
      await exec(["sh", "-c", `grep -o " ${dir}[^ ]*" /proc/mounts | xargs -r umount -l`], {
        env,
        timeoutMs: COMMAND_MS_MAX,
      });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function ip(args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await exec(["ip", ...args], {
    env: { PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` },
    timeoutMs: COMMAND_MS_MAX,
  });
  if (exitCode !== 0) throw new Error(stderr);
}

/** A daemon that was killed leaves the containerd that it had started, and one of its helpers for each container. */
function endHelpers(execRoot: string): void {
  for (const pid of readdirSync("/proc").map(Number).filter(Number.isInteger))
    if (commandLine(pid).includes(execRoot)) end(pid);
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ESRCH: it has ended with another of them.
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** @returns an archive of a root with this machine's shell and its libraries */
function makeRoot(dir: string): string {
  const root = join(dir, "root");
  for (const program of PROGRAMS) {
    const { stdout } = Bun.spawnSync(["ldd", program]);
    const libraries = stdout.toString().match(/\/\S+/g) ?? [];
    for (const file of [program, ...libraries.filter((path) => path !== program)]) {
      mkdirSync(join(root, dirname(file)), { recursive: true });
      cpSync(file, join(root, file), { dereference: true });
    }
  }
  for (const folder of ["tmp", "home/agent", "workspace", "etc"])
    mkdirSync(join(root, folder), { recursive: true });
  const archive = join(dir, "root.tar");
  const packed = Bun.spawnSync(["tar", "-C", root, "-cf", archive, "."]);
  if (packed.exitCode !== 0) throw new Error(packed.stderr.toString());
  return archive;
}
