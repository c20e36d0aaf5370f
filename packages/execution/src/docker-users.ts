import { z } from "zod";
import type { DockerCli } from "./docker-cli.ts";
import { notStarted } from "./docker-errors.ts";

/** Whose user ids a container sees: the host's, those of one user's own range, or shifted ones of a root engine. */
export type EngineUsers = "host" | "rootless" | "remapped";

/** The parts of `info` that tell: of Docker (also over Podman's socket), and of Podman's own program. */
const UserInfo = z.object({
  SecurityOptions: z.array(z.string()).nullish(),
  host: z.object({ security: z.object({ rootless: z.boolean().nullish() }).nullish() }).nullish(),
});

/** What the process that starts containers is. */
export interface OwnUser {
  root: boolean;
  /** `/proc/self/uid_map`: which users of the host ours are. */
  uidMap: string;
}

/** Users of the host stand for themselves. */
const IDENTITY = /^\s*0\s+0\s+4294967295\s*$/;

/** `unknown`: the engine gave no answer. */
export type UserIds = { kind: "fit" | "unfit" | "unknown"; detail: string };

/**
 * Whether files can pass between this process and a container whose user is another. A rootless engine is served by helper
 * containers that give the checkout away and take it back; a root engine with shifted ids cannot be.
 */
export async function findUserIds(cli: DockerCli, own: OwnUser): Promise<UserIds> {
  const answer = await cli.call(["info", "--format", "{{json .}}"]);
  if (answer.kind === "failed") {
    const spec = { image: "", network: "", workspace: { dir: "", readOnly: true } };
    return { kind: "unknown", detail: notStarted(answer.message, spec).detail };
  }
  switch (usersOf(answer.stdout)) {
    case undefined:
      return { kind: "unknown", detail: "the container engine does not say whose user ids containers have" };
    case "host":
      return { kind: "fit", detail: "containers have the user ids of the host" };
    case "remapped":
      return { kind: "unfit", detail: REMAPPED };
    case "rootless":
      if (own.root && IDENTITY.test(own.uidMap)) return { kind: "unfit", detail: ROOT_AND_ROOTLESS };
      return {
        kind: "fit",
        detail: "the engine is rootless; checkouts are handed over by helper containers",
      };
  }
}

const REMAPPED =
  "the engine shifts the user ids of containers (userns-remap), so an agent could not write to its checkout. " +
  "Take userns-remap out of the engine's settings, or use an engine of its own for agents: rootless Podman or Docker, or one without it.";
const ROOT_AND_ROOTLESS =
  "this process is root and the engine is another user's (rootless), which can neither read nor give away what root makes. " +
  "Run the runner as the user whose engine it is, or use a rootful engine.";

/** @returns undefined when a program answers that is no engine */
function usersOf(info: string): EngineUsers | undefined {
  const parsed = parseInfo(info);
  if (parsed === undefined) return undefined;
  const { SecurityOptions: options, host } = parsed;
  if (host?.security?.rootless || options?.some((option) => /^name=rootless\b/.test(option)))
    return "rootless";
  return options?.some((option) => /^name=userns\b/.test(option)) ? "remapped" : "host";
}

function parseInfo(text: string): z.infer<typeof UserInfo> | undefined {
  try {
    return UserInfo.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
