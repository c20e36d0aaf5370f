import { dirname } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { childEnv } from "./child-env.ts";
import { findProgram } from "./ensure-packages.ts";

export type Probe = { kind: "works" } | { kind: "broken"; why: string };

const PROBE_IMAGE = "windshift/probe:local";
/** One container that prints a version; 30 s covers a cold disk. */
const PROBE_MS_MAX = 30_000;

/**
 * Runs one tiny container. A daemon inside an unprivileged container may answer and still be unable to start anything.
 * The image is a single static program that comes with docker.io; where it is missing, the daemon's answer has to do.
 */
export async function probeEngine(place: { host: string }): Promise<Probe> {
  const init = findProgram("tini-static");
  if (init === undefined) return { kind: "works" };
  const tar = Bun.spawn(["tar", "-C", dirname(init), "-c", "tini-static"], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const docker = (args: string[], stdin?: ReadableStream<Uint8Array>) =>
    exec(["docker", "--host", place.host, ...args], {
      env: childEnv(),
      timeoutMs: PROBE_MS_MAX,
      ...(stdin === undefined ? {} : { stdin }),
    });
  const imported = await docker(["import", "-", PROBE_IMAGE], tar.stdout);
  const ran =
    imported.exitCode === 0
      ? await docker(["run", "--rm", "--network", "none", PROBE_IMAGE, "/tini-static", "--version"])
      : imported;
  await docker(["image", "rm", "--force", PROBE_IMAGE]);
  if (ran.exitCode === 0) return { kind: "works" };
  return { kind: "broken", why: `The daemon answers but cannot run a container: ${ran.stderr.trim()}` };
}
