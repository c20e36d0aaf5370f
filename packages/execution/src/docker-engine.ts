import type { DockerCli } from "./docker-cli.ts";
import { EngineInfo, parseEngine } from "./docker-inspect.ts";
import { EngineVersion, isPodman } from "./engine-floors.ts";

/** In what engines differ as far as a container of ours is made. */
export interface EngineTraits {
  /** It has an init program, which reaps orphans of the agent. */
  init: boolean;
  /** It is Podman, whether its own program or Docker's is called. */
  podman: boolean;
}

/** Asks the engine. @returns undefined when it gave no answer */
export async function findEngineTraits(cli: DockerCli): Promise<EngineTraits | undefined> {
  const [info, version] = await Promise.all([
    cli.call(["info", "--format", "{{json .}}"]),
    cli.call(["version", "--format", "{{json .}}"]),
  ]);
  if (info.kind === "failed" || version.kind === "failed") return undefined;
  return {
    init: Boolean(parseEngine(EngineInfo, info.stdout).InitBinary),
    podman: isPodman(parseEngine(EngineVersion, version.stdout)),
  };
}
