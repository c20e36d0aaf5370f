import { existsSync } from "node:fs";
import { exec } from "@windshift/base/exec.ts";
import { childEnv } from "./child-env.ts";
import { type DaemonPlace, SYSTEM_DAEMON, startDockerd, stopDockerd } from "./dockerd.ts";
import { probeEngine } from "./engine-probe.ts";
import { ensurePackages, findProgram, program } from "./ensure-packages.ts";
import type { Log } from "./log.ts";
import { asRoot, findPrivilege, type Privilege } from "./privilege.ts";

export type Engine =
  | {
      kind: "running";
      /** The command line to call: `docker` or `podman`. */
      cli: "docker" | "podman";
      version: string;
      /** The daemon started here, or null when one was running already. */
      started: { pid: number; logFile: string; howToStop: string } | null;
      /** Ends the daemon if it was started here, else does nothing. */
      stop(): Promise<void>;
    }
  /** No container can run here; `why` is for a person. */
  | { kind: "unavailable"; why: string };

/** `docker info` of a daemon that answers takes well under a second. */
const INFO_MS_MAX = 10_000;

/**
 * Finds a container engine that answers; installs Debian's `docker.io` and starts the daemon when there is none.
 * @param place where to look for and start the daemon; the machine's own by default
 */
export async function ensureEngine(log: Log, place: DaemonPlace = SYSTEM_DAEMON): Promise<Engine> {
  const found = await findRunning(place);
  if (found !== undefined) return found;
  const packages = await ensurePackages(
    [program("dockerd", "docker.io"), program("docker", "docker.io")],
    log,
  );
  // From Debian 13 on the command line is a package of its own.
  const cli =
    packages.kind === "ready" ? packages : await ensurePackages([program("docker", "docker-cli")], log);
  if (cli.kind === "missing") return { kind: "unavailable", why: cli.why };
  const chosen = process.env.DOCKER_HOST;
  if (chosen && place === SYSTEM_DAEMON) {
    return { kind: "unavailable", why: `DOCKER_HOST is ${chosen}, and no daemon answers there.` };
  }
  return await startEngine(place, await findPrivilege(), log);
}

async function startEngine(place: DaemonPlace, privilege: Privilege, log: Log): Promise<Engine> {
  const shared = await shareRunningDaemon(place, privilege, log);
  if (shared !== undefined) return shared;
  if (place === SYSTEM_DAEMON && existsSync("/run/systemd/system")) {
    log("No container daemon answers; starting the docker service ...");
    const start = asRoot(privilege, ["systemctl", "start", "docker"]);
    if (start !== undefined) await exec(start, { env: childEnv(), timeoutMs: 60_000 });
    return (
      (await findRunning(place)) ??
      (await shareRunningDaemon(place, privilege, log)) ?? {
        kind: "unavailable",
        why: "`systemctl start docker` did not bring up a daemon; `journalctl -u docker` says why.",
      }
    );
  }
  log("No container daemon answers; starting dockerd ...");
  const dockerd = await startDockerd(
    place,
    privilege,
    async () => (await dockerVersion(place)) !== undefined,
  );
  if (dockerd.kind === "failed") return { kind: "unavailable", why: dockerd.why };
  const probe = await probeEngine({ host: place.host });
  if (probe.kind === "broken") {
    await stopDockerd(dockerd.pid, privilege);
    return { kind: "unavailable", why: probe.why };
  }
  log(`dockerd runs (pid ${dockerd.pid}, log ${dockerd.logFile}).`);
  return {
    kind: "running",
    cli: "docker",
    version: (await dockerVersion(place)) ?? "unknown",
    started: { ...dockerd, howToStop: (asRoot(privilege, ["kill", String(dockerd.pid)]) ?? []).join(" ") },
    stop: () => stopDockerd(dockerd.pid, privilege),
  };
}

/** Docker's answer counts first; Podman is taken only where the docker command line is missing. */
async function findRunning(place: DaemonPlace): Promise<Engine | undefined> {
  const version = await dockerVersion(place);
  if (version !== undefined)
    return { kind: "running", cli: "docker", version, started: null, stop: async () => {} };
  if (findProgram("docker") !== undefined || findProgram("podman") === undefined) return undefined;
  const podman = await exec(["podman", "info", "--format", "{{.Version.Version}}"], {
    env: childEnv(),
    timeoutMs: INFO_MS_MAX,
  });
  if (podman.exitCode !== 0) return undefined;
  return {
    kind: "running",
    cli: "podman",
    version: podman.stdout.trim(),
    started: null,
    stop: async () => {},
  };
}

async function dockerVersion(place: DaemonPlace): Promise<string | undefined> {
  if (findProgram("docker") === undefined) return undefined;
  // The person's own choice of daemon (DOCKER_HOST, context) holds unless a caller brought a place of its own.
  const host = place === SYSTEM_DAEMON ? [] : ["--host", place.host];
  const info = await exec(["docker", ...host, "info", "--format", "{{.ServerVersion}}"], {
    env: childEnv(),
    timeoutMs: INFO_MS_MAX,
  });
  const version = info.stdout.trim();
  return info.exitCode === 0 && version !== "" ? version : undefined;
}

/**
 * A daemon that answers root only is opened to this user with an access entry on its socket, which lasts until the
 * daemon starts again; no group membership changes.
 */
async function shareRunningDaemon(
  place: DaemonPlace,
  privilege: Privilege,
  log: Log,
): Promise<Engine | undefined> {
  const socket = place.host.replace(/^unix:\/\//, "");
  const ask = asRoot(privilege, ["docker", "--host", place.host, "info", "--format", "{{.ServerVersion}}"]);
  if (privilege.kind !== "sudo" || ask === undefined || !existsSync(socket)) return undefined;
  if ((await exec(ask, { env: childEnv(), timeoutMs: INFO_MS_MAX })).exitCode !== 0) return undefined;
  if ((await ensurePackages([program("setfacl", "acl")], log)).kind === "missing") return undefined;
  const open = asRoot(privilege, ["setfacl", "-m", `u:${process.getuid?.()}:rw`, socket]);
  if (open === undefined) return undefined;
  log(`The docker daemon answers root only; giving this user access to ${socket} until the daemon restarts.`);
  await exec(open, { env: childEnv(), timeoutMs: INFO_MS_MAX });
  return await findRunning(place);
}
