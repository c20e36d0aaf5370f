import { join } from "node:path";
import { dockerCliEnv } from "@windshift/execution/docker-cli.ts";
import { DockerSandbox } from "@windshift/execution/docker-sandbox.ts";
import { ProcessSandbox } from "@windshift/execution/process-sandbox.ts";
import type { Sandbox } from "@windshift/execution/sandbox.ts";
import type { ServerSettings } from "../config.ts";

/** PATH of child programs when the server was started without one. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The sandbox the settings ask for: containers, or (only when permitted) plain processes. */
export function chooseSandbox(
  settings: ServerSettings,
  image: string,
  env: Record<string, string | undefined>,
): Sandbox {
  if (settings.sandbox === "unsandboxed") {
    const path = env.PATH ?? DEFAULT_PATH;
    return new ProcessSandbox({ commands: {}, path, homeRoot: join(settings.dataDir, "tmp") });
  }
  return new DockerSandbox({
    docker: settings.docker,
    env: dockerCliEnv(env),
    helperImage: image,
    root: process.getuid?.() === 0,
    limits: {
      pidsLimit: settings.pidsLimit,
      memory: settings.memory,
      cpus: settings.cpus,
      ...(settings.runtime === undefined ? {} : { runtime: settings.runtime }),
    },
  });
}

/** Whether runs are executed by this server, and with what image. */
export function localRunnerImage(settings: ServerSettings): string | undefined {
  return settings.sandbox === "unsandboxed" ? (settings.runnerImage ?? "unsandboxed") : settings.runnerImage;
}
