import { closeSync, existsSync, mkdirSync, openSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { childEnv } from "./child-env.ts";
import { findProgram } from "./ensure-packages.ts";
import { fileTail } from "./file-tail.ts";
import { asRoot, type Privilege } from "./privilege.ts";

/** Which daemon: the machine's own, unless a test brings its own paths. */
export interface DaemonPlace {
  /** As in DOCKER_HOST. */
  host: string;
  pidFile: string;
  /** Folder for our log, made when missing. */
  logDir: string;
  /** Further options of dockerd. */
  options: readonly string[];
}

export const SYSTEM_DAEMON: DaemonPlace = {
  host: "unix:///var/run/docker.sock",
  pidFile: "/var/run/docker.pid",
  logDir: ".cache",
  options: [],
};

export type Dockerd = { kind: "started"; pid: number; logFile: string } | { kind: "failed"; why: string };

/** A cold start on a slow disk takes about 10 s. */
const START_MS_MAX = 60_000;
/** Between two looks whether it answers. */
const LOOK_MS = 200;

/**
 * Starts dockerd in the background, in a session of its own, and waits until `answers` says yes. A start that fails
 * over the firewall is tried once more with the legacy iptables, which kernels without nftables need.
 */
export async function startDockerd(
  place: DaemonPlace,
  privilege: Privilege,
  answers: () => Promise<boolean>,
): Promise<Dockerd> {
  const first = await tryStart(place, privilege, answers, childEnv().PATH ?? "");
  if (first.kind === "started" || !/iptables/i.test(first.why)) return first;
  const legacy = legacyIptablesDir(place.logDir);
  if (legacy === undefined) return first;
  return await tryStart(place, privilege, answers, `${legacy}:${childEnv().PATH ?? ""}`);
}

async function tryStart(
  place: DaemonPlace,
  privilege: Privilege,
  answers: () => Promise<boolean>,
  path: string,
): Promise<Dockerd> {
  const dockerd = findProgram("dockerd");
  if (dockerd === undefined) return { kind: "failed", why: "dockerd was not found after the installation." };
  const settings = ["env", `PATH=${path}:/usr/local/sbin:/usr/sbin:/sbin`];
  // Started through sudo, the daemon's socket must still answer this user: it is given this user's group.
  const group = privilege.kind === "sudo" ? ["--group", String(process.getgid?.())] : [];
  const daemon = [dockerd, "--host", place.host, "--pidfile", place.pidFile, ...group, ...place.options];
  const argv = asRoot(privilege, [...settings, ...daemon]);
  if (argv === undefined) return { kind: "failed", why: "Starting dockerd needs root or sudo." };
  mkdirSync(place.logDir, { recursive: true });
  const logFile = join(place.logDir, "dockerd.log");
  const output = openSync(logFile, "w");
  const child = Bun.spawn(argv, {
    env: childEnv(),
    stdin: "ignore",
    stdout: output,
    stderr: output,
    detached: true,
  });
  closeSync(output);
  child.unref();
  const deadlineMs = Date.now() + START_MS_MAX;
  while (Date.now() < deadlineMs) {
    // A daemon that ends because another one is starting does not matter as long as one answers.
    if (await answers()) return { kind: "started", pid: readPid(place.pidFile) ?? child.pid, logFile };
    if (child.exitCode !== null) return { kind: "failed", why: `dockerd ended:\n${fileTail(logFile)}` };
    await Bun.sleep(LOOK_MS);
  }
  await stopDockerd(readPid(place.pidFile) ?? child.pid, privilege);
  return {
    kind: "failed",
    why: `dockerd did not answer within ${START_MS_MAX / 1_000} s:\n${fileTail(logFile)}`,
  };
}

/** A folder in which `iptables` is the legacy program, to be put first in the daemon's PATH; nothing of the machine changes. */
function legacyIptablesDir(logDir: string): string | undefined {
  const dir = join(process.cwd(), logDir, "iptables-legacy");
  mkdirSync(dir, { recursive: true });
  for (const name of ["iptables", "ip6tables"]) {
    const legacy = findProgram(`${name}-legacy`);
    if (legacy === undefined) return undefined;
    if (!existsSync(join(dir, name))) symlinkSync(legacy, join(dir, name));
  }
  return dir;
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, "utf8"), 10);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Time dockerd gets to end its containers and itself. */
const STOP_MS_MAX = 30_000;

/** Ends a daemon that `startDockerd` started; returns when its process is gone. */
export async function stopDockerd(pid: number, privilege: Privilege): Promise<void> {
  const deadlineMs = Date.now() + STOP_MS_MAX;
  await signal(pid, "TERM", privilege);
  while (existsSync(`/proc/${pid}`)) {
    if (Date.now() > deadlineMs) return void (await signal(pid, "KILL", privilege));
    await Bun.sleep(LOOK_MS);
  }
}

async function signal(pid: number, name: string, privilege: Privilege): Promise<void> {
  // The shell's own kill: a minimal Debian has no program of that name.
  const argv = asRoot(privilege, ["sh", "-c", `kill -${name} ${pid}`]);
  if (argv !== undefined) await exec(argv, { env: childEnv(), timeoutMs: STOP_MS_MAX });
}
