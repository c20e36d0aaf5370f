import { z } from "zod";
import type { DockerCli } from "./docker-cli.ts";
import { notStarted } from "./docker-errors.ts";

/** The parts of `info` that tell what an engine can limit: of Docker (also over Podman's socket), and of Podman's own program. */
const LimitInfo = z.object({
  SecurityOptions: z.array(z.string()).nullish(),
  CgroupVersion: z.string().nullish(),
  CgroupDriver: z.string().nullish(),
  MemoryLimit: z.boolean().nullish(),
  PidsLimit: z.boolean().nullish(),
  host: z.object({ cgroupControllers: z.array(z.string()).nullish() }).nullish(),
});
type LimitInfo = z.infer<typeof LimitInfo>;

/** `unknown`: the engine gave no answer, or does not say. */
export type EngineLimits = { kind: "fit" | "unfit" | "unknown"; detail: string };

/**
 * Whether the engine holds a container to its memory and its processes. One that does not takes the limits all the same and drops
 * them with a warning at most: an agent could then take the whole host (SB-06, SB-07).
 */
export async function findEngineLimits(cli: DockerCli): Promise<EngineLimits> {
  const answer = await cli.call(["info", "--format", "{{json .}}"]);
  if (answer.kind === "failed") {
    const spec = { image: "", network: "", workspace: { dir: "", readOnly: true } };
    return { kind: "unknown", detail: notStarted(answer.message, spec).detail };
  }
  const info = parseInfo(answer.stdout);
  if (info === undefined)
    return { kind: "unknown", detail: "the container engine does not say what it can limit" };
  const missing = missingIn(info);
  if (missing.length === 0)
    return { kind: "fit", detail: "containers are held to their memory and processes" };
  return {
    kind: "unfit",
    detail: `the engine cannot limit the ${missing.join(" and ")} of a container. ${CURE}`,
  };
}

const CURE =
  "A rootless engine needs cgroup v2 with memory and pids delegated to its user (systemd does that; cgroup v1 cannot), and a kernel may have " +
  "them turned off. Use a rootful engine, or a host with cgroup v2.";

function missingIn({ host, ...docker }: LimitInfo): string[] {
  if (host) {
    const controllers = host.cgroupControllers ?? [];
    return ["memory", "pids"].filter((name) => !controllers.includes(name)).map(nameOf);
  }
  const rootless = docker.SecurityOptions?.some((option) => /^name=rootless\b/.test(option)) ?? false;
  // Such an engine tells what the host's cgroups could do, and can use none of them.
  const none = docker.CgroupDriver === "none" || (rootless && docker.CgroupVersion === "1");
  const memory = none || docker.MemoryLimit === false ? ["memory"] : [];
  const pids = none || docker.PidsLimit === false ? ["pids"] : [];
  return [...memory, ...pids].map(nameOf);
}

function nameOf(controller: string): string {
  return controller === "pids" ? "processes" : controller;
}

function parseInfo(text: string): LimitInfo | undefined {
  try {
    return LimitInfo.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
