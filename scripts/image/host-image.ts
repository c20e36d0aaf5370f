import { cpSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../build/compile.ts";
import type { Log } from "../setup/log.ts";
import { ensureBuiltImage } from "./built-image.ts";
import { contentHash } from "./content-hash.ts";

/** For tests: hosts with git and the engine's command line, on which a runner can be installed. */
export const HOST_IMAGES = {
  systemd: { tag: "windshift/runner-host:local", dockerfile: "scripts/image/host/Dockerfile" },
  openrc: { tag: "windshift/runner-host-openrc:local", dockerfile: "scripts/image/host/openrc.Dockerfile" },
} as const;

/** @returns its tag. @throws Error with the engine's words */
export function ensureHostImage(log: Log, manager: keyof typeof HOST_IMAGES = "systemd"): Promise<string> {
  const { tag, dockerfile } = HOST_IMAGES[manager];
  const fill = async (folder: string) =>
    cpSync(join(REPOSITORY_ROOT, dockerfile), join(folder, "Dockerfile"));
  return ensureBuiltImage({ tag, content: contentHash([dockerfile]), fill, log });
}
